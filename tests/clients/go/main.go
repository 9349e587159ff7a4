// Uses the guide's client as a program would: make a key, list all keys.
package main

import (
	"fmt"
	"os"
)

func main() {
	client := NewKmsClient(os.Args[1])
	if err := client.CreateKey("go-test-key"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	keys, err := client.ListKeys()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(keys)
}
