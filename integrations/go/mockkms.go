// Package mockkms gives each test an emulated Vault or OpenBao of its own, with faults, a clock and a journal.
//
// New starts `mockkms serve` once for all tests that run at the same time, or uses the server at MOCKKMS_URL, and creates a
// tenant: a world of its own below a path of the server. Everything else goes through the control API of that tenant.
package mockkms

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// Rule is a fault rule, with the keys of docs/faults.md: {"path": "secret/*", "answer": "sealed", "times": 1}.
type Rule map[string]any

// Match selects requests of the journal, with the keys of a rule's match: {"path": "secret/*", "operation": "read"}.
type Match map[string]any

// Entry is one request of the journal.
type Entry struct {
	Number    int               `json:"number"`
	Method    string            `json:"method"`
	Path      string            `json:"path"`
	Operation string            `json:"operation"`
	Status    int               `json:"status"`
	Denied    bool              `json:"denied"`
	Unhandled bool              `json:"unhandled"`
	Faults    []string          `json:"faults"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	Answer    string            `json:"answer"`
}

// KMS is the world of one test.
type KMS struct {
	// URL is the address for clients: the value of VAULT_ADDR.
	URL string
	// Token is the root token.
	Token string
	// CAFile is a file with the CA certificate in PEM, for VAULT_CACERT; empty without TLS.
	CAFile string

	t               testing.TB
	client, control *http.Client
}

// Option changes what New creates.
type Option func(*options)

type options struct {
	worlds []string
	strict bool
}

// World loads a world in YAML (docs/worlds.md) over the server's. Later ones override earlier ones.
func World(yaml string) Option { return func(o *options) { o.worlds = append(o.worlds, yaml) } }

// Lenient allows requests to paths that are not emulated, which otherwise fail the test.
func Lenient() Option { return func(o *options) { o.strict = false } }

// New returns a world for this test alone, which is dropped when the test ends. Tests may run in parallel. A failed test logs
// its requests; a request to a path that is not emulated fails the test.
func New(t testing.TB, chosen ...Option) *KMS {
	t.Helper()
	o := options{strict: true}
	for _, option := range chosen {
		option(&o)
	}
	s, err := acquire()
	if err != nil {
		t.Fatalf("mockkms: %v", err)
	}
	t.Cleanup(release)
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	id := fmt.Sprintf("go-%x", random)
	kms := &KMS{URL: s.url + "/t/" + id, CAFile: s.caFile, t: t, client: s.client, control: s.control}
	server := &KMS{URL: s.url, t: t, control: s.control}
	server.post("tenants/"+id, "from", "baseline")
	t.Cleanup(func() { _, _, _ = server.send("DELETE", "tenants/"+id, nil) })
	if len(o.worlds) > 0 {
		kms.post("world", "worlds", o.worlds)
	}
	var state struct{ Token string }
	kms.Control("GET", "state", nil, &state)
	kms.Token = state.Token
	t.Cleanup(func() {
		if o.strict {
			kms.hold("no_unhandled", true)
		}
		if t.Failed() {
			_, table, err := kms.send("GET", "journal?format=table", nil)
			if err == nil {
				t.Logf("mockkms: requests of this test:\n%s", table)
			}
		}
	})
	return kms
}

// Setenv sets VAULT_ADDR, VAULT_TOKEN, VAULT_CACERT and their BAO_ equivalents for the rest of the test. It cannot be used in
// parallel tests.
func (k *KMS) Setenv() {
	k.t.Helper()
	for _, prefix := range []string{"VAULT_", "BAO_"} {
		k.t.Setenv(prefix+"ADDR", k.URL)
		k.t.Setenv(prefix+"TOKEN", k.Token)
		k.t.Setenv(prefix+"CACERT", k.CAFile)
	}
}

// HTTPClient returns a client that trusts the server's certificate.
func (k *KMS) HTTPClient() *http.Client { return k.client }

// AddFault adds a rule and returns its id.
func (k *KMS) AddFault(rule Rule) string {
	k.t.Helper()
	var added struct{ ID string }
	k.Control("POST", "faults", rule, &added)
	return added.ID
}

// RemoveFault removes a rule.
func (k *KMS) RemoveFault(id string) {
	k.t.Helper()
	k.Control("DELETE", "faults/"+url.PathEscape(id), nil, nil)
}

// Fired returns how often a rule fired.
func (k *KMS) Fired(id string) int {
	k.t.Helper()
	var rule struct{ Fired int }
	k.Control("GET", "faults/"+url.PathEscape(id), nil, &rule)
	return rule.Fired
}

// Freeze stops the clock at its present time.
func (k *KMS) Freeze() { k.t.Helper(); k.post("clock", "freeze", true) }

// FreezeAt stops the clock at a time.
func (k *KMS) FreezeAt(at time.Time) { k.t.Helper(); k.post("clock", "freeze", at.UTC()) }

// Advance moves the clock forward: what expires in this time is expired afterwards.
func (k *KMS) Advance(by time.Duration) { k.t.Helper(); k.post("clock", "advance", by.Seconds()) }

// Seal seals the server, for this test alone.
func (k *KMS) Seal() { k.t.Helper(); k.post("state", "seal", true) }

// Unseal unseals it.
func (k *KMS) Unseal() { k.t.Helper(); k.post("state", "unseal", true) }

func (k *KMS) post(path, name string, value any) {
	k.t.Helper()
	k.Control("POST", path, map[string]any{name: value}, nil)
}

// Snapshot saves the world under a name.
func (k *KMS) Snapshot(name string) {
	k.t.Helper()
	k.Control("POST", "snapshots/"+url.PathEscape(name), nil, nil)
}

// Restore returns to a snapshot.
func (k *KMS) Restore(name string) {
	k.t.Helper()
	k.Control("POST", "snapshots/"+url.PathEscape(name)+"/restore", nil, nil)
}

// Journal returns the requests that match, in their order; nil matches all.
func (k *KMS) Journal(match Match) []Entry {
	k.t.Helper()
	if match == nil {
		match = Match{}
	}
	var found struct{ Entries []Entry }
	k.Control("POST", "journal", match, &found)
	return found.Entries
}

// AssertCalled fails the test unless a request matches; with "times" in the match, unless exactly so many do.
func (k *KMS) AssertCalled(match Match) { k.t.Helper(); k.hold("called", match) }

// AssertNotCalled fails the test if a request matches.
func (k *KMS) AssertNotCalled(match Match) { k.t.Helper(); k.hold("not_called", match) }

// AssertOrder fails the test unless requests match in this order.
func (k *KMS) AssertOrder(matches ...Match) { k.t.Helper(); k.hold("order", matches) }

// AssertFaultsFired fails the test if a rule never fired.
func (k *KMS) AssertFaultsFired() { k.t.Helper(); k.hold("faults_fired", true) }

func (k *KMS) hold(what string, value any) {
	k.t.Helper()
	status, answer, err := k.send("POST", "journal/assert", map[string]any{what: value})
	if err != nil {
		k.t.Errorf("mockkms: %v", err)
	} else if status != http.StatusOK {
		k.t.Errorf("mockkms: %s", message(answer))
	}
}

// Control sends any request of the control API (docs/control.md) and reads its JSON response into result, unless that is nil.
func (k *KMS) Control(method, path string, body, result any) {
	k.t.Helper()
	status, answer, err := k.send(method, path, body)
	switch {
	case err != nil:
		k.t.Fatalf("mockkms: %v", err)
	case status != http.StatusOK:
		k.t.Fatalf("mockkms: %s %s: %s", method, path, message(answer))
	case result != nil:
		if err := json.Unmarshal(answer, result); err != nil {
			k.t.Fatalf("mockkms: %s %s: %v", method, path, err)
		}
	}
}

func (k *KMS) send(method, path string, body any) (status int, answer []byte, err error) {
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	request, err := http.NewRequest(method, k.URL+"/_mockkms/"+path, bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	if token := os.Getenv("MOCKKMS_CONTROL_TOKEN"); token != "" {
		request.Header.Set("X-Mockkms-Token", token)
	}
	response, err := k.control.Do(request)
	if err == nil {
		defer response.Body.Close()
		status = response.StatusCode
		answer, err = io.ReadAll(response.Body)
	}
	if os.IsTimeout(err) {
		err = fmt.Errorf("%w: no response within %v (MOCKKMS_TIMEOUT)", err, k.control.Timeout)
	}
	return status, answer, err
}

func message(answer []byte) string {
	var refused struct{ Message, Path string }
	_ = json.Unmarshal(answer, &refused)
	return strings.TrimSuffix(refused.Message+" ("+refused.Path+")", " ()")
}
