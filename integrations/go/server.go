package mockkms

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Main runs all tests with one server, started with these flags of `mockkms serve`, and returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(mockkms.Main(m, "--flavor", "openbao")) }
//
// Without it, a server is started for the first test that needs one, and stopped when no running test does.
func Main(m *testing.M, flags ...string) int {
	shared.flags = flags
	if _, err := acquire(); err != nil {
		fmt.Fprintln(os.Stderr, "mockkms:", err)
		return 1
	}
	defer release()
	return m.Run()
}

type server struct {
	url, caFile string
	client      *http.Client
	control     *http.Client // Of the control API: a test may wait longer for its own requests.
	stop        func()
}

var shared struct {
	sync.Mutex
	flags  []string
	users  int
	server *server
	err    error // Of the only attempt to start one: other tests need not wait for another.
}

// acquire returns the server of all tests, which runs until each acquire has had its release.
func acquire() (*server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = connect(shared.flags)
	}
	shared.users++
	return shared.server, shared.err
}

func release() {
	shared.Lock()
	defer shared.Unlock()
	if shared.users--; shared.users == 0 {
		shared.server.stop()
		shared.server = nil
	}
}

func connect(flags []string) (*server, error) {
	timeout := os.Getenv("MOCKKMS_TIMEOUT")
	if timeout == "" {
		timeout = "60"
	}
	seconds, err := strconv.ParseFloat(timeout, 64)
	if err != nil || !(seconds >= 0.001 && seconds <= 86400) {
		return nil, fmt.Errorf("MOCKKMS_TIMEOUT=%s: expected seconds, from 0.001 to 86400", timeout)
	}
	wait := time.Duration(seconds * float64(time.Second))
	// No proxy: the server is on this machine.
	transport := &http.Transport{}
	found := &server{url: strings.TrimRight(os.Getenv("MOCKKMS_URL"), "/"), caFile: os.Getenv("MOCKKMS_CACERT"), stop: func() {}}
	found.client, found.control = &http.Client{Transport: transport}, &http.Client{Transport: transport, Timeout: wait}
	if found.url == "" {
		if err := found.start(flags); err != nil {
			return nil, err
		}
	}
	if found.caFile != "" {
		pem, err := os.ReadFile(found.caFile)
		if err != nil {
			found.stop()
			return nil, err
		}
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
	}
	return found, nil
}

// start runs MOCKKMS_COMMAND (default: mockkms) and waits until it listens. The process ends with its standard input, so that
// it does not outlive a test process that is killed.
func (s *server) start(flags []string) error {
	command := strings.Fields(os.Getenv("MOCKKMS_COMMAND"))
	if len(command) == 0 {
		command = []string{"mockkms"}
	}
	arguments := append(append(command[1:], "serve", "--port", "0", "--stop-on-eof"), flags...)
	process := exec.Command(command[0], append(arguments, "--log-format", "json")...)
	process.WaitDelay = time.Second // Programs that the command started may keep its output open.
	var errorText bytes.Buffer
	process.Stderr = &errorText
	output, outputError := process.StdoutPipe()
	input, inputError := process.StdinPipe()
	if err := errors.Join(outputError, inputError, process.Start()); err != nil {
		return fmt.Errorf("cannot start %s: %w (pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)", command[0], err)
	}
	s.stop = func() {
		input.Close()
		late := time.AfterFunc(10*time.Second, func() { _ = process.Process.Kill() })
		if _ = process.Wait(); !late.Stop() {
			fmt.Fprintf(os.Stderr, "mockkms: %s did not stop within 10 s and was killed\n", command[0])
		}
	}
	var told struct{ URL, CA_File string }
	ready := make(chan error, 2)
	time.AfterFunc(s.control.Timeout, func() { ready <- fmt.Errorf("silent for %v, MOCKKMS_TIMEOUT", s.control.Timeout) })
	go func() {
		ready <- json.NewDecoder(output).Decode(&told) // Written once the server listens; it says where.
		_, _ = io.Copy(io.Discard, output)
	}()
	if err := <-ready; err != nil {
		_ = process.Process.Kill()
		s.stop()
		return fmt.Errorf("%s did not start (%w): %s", command[0], err, errorText.String())
	}
	s.url, s.caFile = told.URL, told.CA_File
	return nil
}
