package mockkms

import (
	"bufio"
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
	"strings"
	"sync"
	"testing"
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
	stop        func()
}

var shared struct {
	sync.Mutex
	flags  []string
	users  int
	server *server
}

// acquire returns the server of all tests, which runs until each acquire has had its release.
func acquire() (*server, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		started, err := connect(shared.flags)
		if err != nil {
			return nil, err
		}
		shared.server = started
	}
	shared.users++
	return shared.server, nil
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
	found := &server{url: strings.TrimRight(os.Getenv("MOCKKMS_URL"), "/"), caFile: os.Getenv("MOCKKMS_CACERT"), stop: func() {}}
	if found.url == "" {
		if err := found.start(flags); err != nil {
			return nil, err
		}
	}
	// No proxy: the server is on this machine.
	transport := &http.Transport{}
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
	found.client = &http.Client{Transport: transport}
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
	var errorText bytes.Buffer
	process.Stderr = &errorText
	output, outputError := process.StdoutPipe()
	input, inputError := process.StdinPipe()
	if err := errors.Join(outputError, inputError, process.Start()); err != nil {
		return fmt.Errorf("cannot start %s: %w (pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)", command[0], err)
	}
	s.stop = func() {
		input.Close()
		_ = process.Wait()
	}
	lines := bufio.NewReader(output)
	ready, err := lines.ReadBytes('\n') // Written once the server listens; it says where.
	if err != nil {
		s.stop()
		return fmt.Errorf("%s did not start: %s", command[0], errorText.String())
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	var told struct{ URL, CA_File string }
	if err := json.Unmarshal(ready, &told); err != nil {
		s.stop()
		return err
	}
	s.url, s.caFile = told.URL, told.CA_File
	return nil
}
