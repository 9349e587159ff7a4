// Asks as told by lines of JSON on standard input, and says in one line each what came of it.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

type asked struct {
	Method, URL, Body, Token, CA string
	Timeout                      float64
}

type seen struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
	Error   []string          `json:"error"`
}

// Names of an error: the types it wraps, what errors.Is knows it as, and its text.
func named(err error) []string {
	names := []string{err.Error()}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		names = append(names, fmt.Sprintf("%T", inner))
	}
	for name, known := range map[string]error{
		"ECONNRESET": syscall.ECONNRESET, "ECONNREFUSED": syscall.ECONNREFUSED,
		"EOF": io.EOF, "ErrUnexpectedEOF": io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, known) {
			names = append(names, name)
		}
	}
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() {
		names = append(names, "Timeout")
	}
	return names
}

func ask(want asked) (found seen) {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(want.CA))
	client := http.Client{
		Timeout:   time.Duration(want.Timeout * float64(time.Second)),
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: trusted}},
	}
	request, err := http.NewRequest(want.Method, want.URL, strings.NewReader(want.Body))
	if err != nil {
		found.Error = named(err)
		return
	}
	request.Header.Set("X-Vault-Token", want.Token)
	answer, err := client.Do(request)
	if err != nil {
		found.Error = named(err)
		return
	}
	defer answer.Body.Close()
	found.Status, found.Headers = answer.StatusCode, map[string]string{}
	for name := range answer.Header {
		found.Headers[strings.ToLower(name)] = answer.Header.Get(name)
	}
	if found.Body, err = io.ReadAll(answer.Body); err != nil {
		found.Error = named(err)
	}
	return
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var want asked
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			panic(err)
		}
		if err := answers.Encode(ask(want)); err != nil {
			panic(err)
		}
	}
}
