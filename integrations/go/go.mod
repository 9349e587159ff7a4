module mockkms

go 1.21
