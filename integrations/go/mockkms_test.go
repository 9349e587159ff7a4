package mockkms

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	os.Exit(Main(m, strings.Fields(os.Getenv("TEST_FLAGS"))...))
}

// recorder is a test that may fail without failing the test around it.
type recorder struct {
	testing.TB
	failures []string
	logs     []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, values ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, values...))
}

func (r *recorder) Fatalf(format string, values ...any) { r.Errorf(format, values...); panic(r) }
func (r *recorder) Logf(format string, values ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, values...))
}
func (r *recorder) Failed() bool      { return len(r.failures) > 0 }
func (r *recorder) Cleanup(do func()) { r.cleanups = append(r.cleanups, do) }

// record runs a test to its end and returns what it reported.
func record(t *testing.T, run func(r *recorder)) (r *recorder) {
	r = &recorder{TB: t}
	defer func() {
		if stopped := recover(); stopped != nil && stopped != any(r) {
			panic(stopped)
		}
		for i := len(r.cleanups) - 1; i >= 0; i-- {
			r.cleanups[i]()
		}
	}()
	run(r)
	return r
}

func read(t testing.TB, kms *KMS, path string) int {
	t.Helper()
	request, err := http.NewRequest("GET", kms.URL+"/v1/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", kms.Token)
	response, err := kms.HTTPClient().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestWorldsAreSeparate(t *testing.T) {
	one, two := New(t), New(t)
	id := one.AddFault(Rule{"path": "secret/*", "answer": "sealed", "times": 1})
	got := fmt.Sprint(read(t, one, "secret/data/app"), read(t, one, "secret/data/app"), read(t, two, "secret/data/app"))
	if got != "503 404 404" {
		t.Error(got)
	}
	if one.Fired(id) != 1 || len(one.Journal(nil)) != 2 || len(two.Journal(Match{"status": 404})) != 1 {
		t.Error(one.Fired(id), one.Journal(nil), two.Journal(nil))
	}
	if entry := one.Journal(nil)[0]; entry.Status != 503 || entry.Faults[0] != id || entry.Path != "secret/data/app" {
		t.Error(entry)
	}
	one.RemoveFault(id)
	one.AssertNotCalled(Match{"path": "transit/*"})
	one.AssertOrder(Match{"status": 503}, Match{"status": 404})
}

func TestClockSealAndSnapshots(t *testing.T) {
	kms := New(t, World("vault: {root_token: other}"))
	if kms.Token != "other" {
		t.Error(kms.Token)
	}
	kms.FreezeAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	kms.Snapshot("before")
	kms.Advance(90 * time.Minute)
	var clock struct{ Now time.Time }
	kms.Control("GET", "clock", nil, &clock)
	if clock.Now.Format(time.RFC3339) != "2026-01-01T01:30:00Z" {
		t.Error(clock.Now)
	}
	kms.Seal()
	if status := read(t, kms, "secret/data/app"); status != 503 {
		t.Error(status)
	}
	kms.Unseal()
	kms.Restore("before")
	kms.Freeze()
	if status := read(t, kms, "secret/data/app"); status != 404 {
		t.Error(status)
	}
}

func TestAFailedTestLogsItsRequests(t *testing.T) {
	r := record(t, func(r *recorder) {
		kms := New(r)
		read(r, kms, "secret/data/app")
		kms.AssertCalled(Match{"path": "secret/data/other"})
	})
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "at least once, got 0") {
		t.Error(r.failures)
	}
	if len(r.logs) != 1 || !strings.Contains(r.logs[0], "secret/data/app") {
		t.Error(r.logs)
	}
}

func TestAPathThatIsNotEmulatedFailsTheTest(t *testing.T) {
	call := func(options ...Option) []string {
		return record(t, func(r *recorder) { read(r, New(r, options...), "nowhere/x") }).failures
	}
	if failures := call(); len(failures) != 1 || !strings.Contains(failures[0], "nowhere/x") {
		t.Error(failures)
	}
	if failures := call(Lenient()); len(failures) != 0 {
		t.Error(failures)
	}
}

func TestABadRuleSaysWhy(t *testing.T) {
	r := record(t, func(r *recorder) { New(r).AddFault(Rule{"path": "secret/*", "answr": "sealed"}) })
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "answr") {
		t.Error(r.failures)
	}
}

func TestTheEnvironmentIsThatOfTheWorld(t *testing.T) {
	kms := New(t)
	kms.Setenv()
	if os.Getenv("VAULT_ADDR") != kms.URL || os.Getenv("BAO_TOKEN") != kms.Token || os.Getenv("VAULT_CACERT") != kms.CAFile {
		t.Error(os.Environ())
	}
}
