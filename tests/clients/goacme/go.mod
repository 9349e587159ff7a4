module goacme

go 1.23.0

require golang.org/x/crypto v0.41.0
