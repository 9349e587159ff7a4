// Walks the methods of Vault's own Go client, as far as an open-source server answers them, and looks at what its types
// make of the answers. Standard output: one JSON object, the fault of each step that has one.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

type object = map[string]any

var (
	ctx    = context.Background()
	faults = map[string]string{}
	steps  = 0
)

// step runs one of them; a panic is its fault too.
func step(name string, work func() error) {
	steps++
	defer func() {
		if fault := recover(); fault != nil {
			faults[name] = fmt.Sprint("panic: ", fault)
		}
	}()
	if err := work(); err != nil {
		faults[name] = err.Error()
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func done(err error) {
	if err != nil {
		panic(err)
	}
}

// is compares two values.
func is(what string, found, wanted any) {
	if !reflect.DeepEqual(found, wanted) {
		panic(fmt.Sprintf("%s: %#v, not %#v", what, found, wanted))
	}
}

// set wants a value that is not the zero of its type.
func set(what string, found any) {
	if found == nil || reflect.ValueOf(found).IsZero() {
		panic(what + " is empty")
	}
}

func refused(status int, err error) {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		panic(fmt.Sprintf("no refusal but %v", err))
	}
	is("status", answer.StatusCode, status)
}

func main() {
	config := api.DefaultConfig()
	config.Address = os.Args[1]
	config.MaxRetries = 0
	client := must(api.NewClient(config))
	client.SetToken(os.Args[2])
	mounts(client)
	authMethods(client)
	policies(client)
	tokens(client)
	leases(client)
	logical(client)
	keyValue(client)
	watchers(client)
	status(client)
	keys(client, os.Args[3])
	fmt.Println(string(must(json.Marshal(object{"steps": steps, "faults": faults}))))
}

func mounts(client *api.Client) {
	sys := client.Sys()
	step("Mount, GetMount, ListMounts", func() error {
		input := &api.MountInput{Type: "kv", Description: "mine", Options: map[string]string{"version": "2"},
			Config: api.MountConfigInput{DefaultLeaseTTL: "1h", MaxLeaseTTL: "2h", ListingVisibility: "unauth"}}
		done(sys.Mount("team", input))
		mount := must(sys.GetMount("team"))
		is("type", mount.Type, "kv")
		is("options", mount.Options, map[string]string{"version": "2"})
		is("limits", []int{mount.Config.DefaultLeaseTTL, mount.Config.MaxLeaseTTL}, []int{3600, 7200})
		is("visibility", mount.Config.ListingVisibility, "unauth")
		set("uuid", mount.UUID)
		set("accessor", mount.Accessor)
		all := must(sys.ListMounts())
		is("description", all["team/"].Description, "mine")
		is("system", all["sys/"].Type, "system")
		return nil
	})
	step("TuneMount, TuneMountAllowNil, MountConfig", func() error {
		done(sys.TuneMount("team", api.MountConfigInput{DefaultLeaseTTL: "30m", AuditNonHMACRequestKeys: []string{"a"}}))
		seconds := must(sys.MountConfig("team"))
		is("limits", []int{seconds.DefaultLeaseTTL, seconds.MaxLeaseTTL}, []int{1800, 7200})
		is("keys", seconds.AuditNonHMACRequestKeys, []string{"a"})
		text := "5h"
		done(sys.TuneMountAllowNil("team", api.TuneMountConfigInput{MaxLeaseTTL: &text}))
		is("limit", must(sys.MountConfig("team")).MaxLeaseTTL, 18000)
		return nil
	})
	step("Remount, StartRemount, RemountStatus", func() error {
		done(sys.Remount("team", "crew"))
		moved := must(sys.StartRemount("crew", "gang"))
		set("migration", moved.MigrationID)
		for range 100 {
			state := must(sys.RemountStatus(moved.MigrationID))
			if state.MigrationInfo.MigrationStatus == "success" {
				is("places", []string{state.MigrationInfo.SourceMount, state.MigrationInfo.TargetMount},
					[]string{"crew/", "gang/"})
				done(sys.Unmount("gang"))
				_, err := sys.GetMount("gang")
				refused(400, err)
				return nil
			}
			time.Sleep(20 * time.Millisecond)
		}
		return errors.New("the mount does not arrive")
	})
	step("ListPlugins, GetPlugin", func() error {
		found := must(sys.ListPlugins(&api.ListPluginsInput{Type: api.PluginTypeUnknown}))
		is("approle is there", contains(found.PluginsByType[api.PluginTypeCredential], "approle"), true)
		is("transit is there", contains(found.PluginsByType[api.PluginTypeSecrets], "transit"), true)
		set("details", len(found.Details))
		plugin := must(sys.GetPlugin(&api.GetPluginInput{Name: "transit", Type: api.PluginTypeSecrets}))
		is("builtin", plugin.Builtin, true)
		return nil
	})
}

func contains(all []string, one string) bool {
	for _, found := range all {
		if found == one {
			return true
		}
	}
	return false
}

func authMethods(client *api.Client) {
	sys := client.Sys()
	step("EnableAuthWithOptions, GetAuth, ListAuth", func() error {
		done(sys.EnableAuthWithOptions("people", &api.EnableAuthOptions{Type: "userpass", Description: "us",
			Config: api.AuthConfigInput{DefaultLeaseTTL: "1h", TokenType: "default-service"}}))
		method := must(sys.GetAuth("people"))
		is("type", method.Type, "userpass")
		is("limit", method.Config.DefaultLeaseTTL, 3600)
		is("token type", method.Config.TokenType, "default-service")
		is("description", must(sys.ListAuth())["people/"].Description, "us")
		is("tokens", must(sys.ListAuth())["token/"].Type, "token")
		return nil
	})
	step("a login through Logical", func() error {
		must(client.Logical().Write("auth/people/users/ann", object{"password": "pass", "token_policies": "default"}))
		secret := must(client.Logical().Write("auth/people/login/ann", object{"password": "pass"}))
		is("policies", must(secret.TokenPolicies()), []string{"default"})
		is("renewable", must(secret.TokenIsRenewable()), true)
		is("ttl", must(secret.TokenTTL()), time.Hour)
		is("metadata", must(secret.TokenMetadata()), map[string]string{"username": "ann"})
		set("accessor", must(secret.TokenAccessor()))
		set("entity", secret.Auth.EntityID)
		is("orphan", secret.Auth.Orphan, true)
		return nil
	})
	step("DisableAuth", func() error { return sys.DisableAuth("people") })
}

func policies(client *api.Client) {
	sys := client.Sys()
	step("PutPolicy, GetPolicy, ListPolicies, DeletePolicy", func() error {
		rules := "path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n"
		done(sys.PutPolicy("readers", rules))
		is("rules", must(sys.GetPolicy("readers")), rules)
		is("list", must(sys.ListPolicies()), []string{"default", "default-ceiling", "readers", "root"})
		done(sys.DeletePolicy("readers"))
		is("none", must(sys.GetPolicy("readers")), "")
		return nil
	})
	step("Capabilities, CapabilitiesSelf, CapabilitiesAccessor", func() error {
		is("self", must(sys.CapabilitiesSelf("secret/data/a")), []string{"root"})
		child := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}})).Auth
		is("token", must(sys.Capabilities(child.ClientToken, "auth/token/lookup-self")), []string{"read"})
		is("accessor", must(sys.CapabilitiesAccessor(child.Accessor, "secret/data/a")), []string{"deny"})
		return nil
	})
}

func tokens(client *api.Client) {
	auth := client.Auth().Token()
	no := false
	step("Create, Lookup, LookupAccessor, Renew, RenewAccessor", func() error {
		made := must(auth.Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h", DisplayName: "job",
			Metadata: map[string]string{"team": "a"}, NumUses: 5, ExplicitMaxTTL: "4h"})).Auth
		is("policies", made.TokenPolicies, []string{"default"})
		is("lease", made.LeaseDuration, 3600)
		is("metadata", made.Metadata, map[string]string{"team": "a"})
		shown := must(auth.Lookup(made.ClientToken))
		is("uses left", must(shown.TokenRemainingUses()), 5)
		is("display name", shown.Data["display_name"], "token-job")
		is("explicit", shown.Data["explicit_max_ttl"], json.Number("14400"))
		is("accessor", must(auth.LookupAccessor(made.Accessor)).Data["id"], "")
		is("renewed", must(auth.Renew(made.ClientToken, 1800)).Auth.LeaseDuration, 1800)
		is("renewed", must(auth.RenewAccessor(made.Accessor, 900)).Auth.LeaseDuration, 900)
		is("renewed", must(auth.RenewTokenAsSelf(made.ClientToken, 600)).Auth.LeaseDuration, 600)
		done(auth.RevokeAccessor(made.Accessor))
		_, err := auth.Lookup(made.ClientToken)
		refused(403, err)
		return nil
	})
	step("CreateOrphan, CreateWithRole", func() error {
		is("orphan", must(auth.CreateOrphan(&api.TokenCreateRequest{Policies: []string{"default"}})).Auth.Orphan, true)
		must(client.Logical().Write("auth/token/roles/ci", object{"allowed_policies": "default", "orphan": true}))
		made := must(auth.CreateWithRole(&api.TokenCreateRequest{Renewable: &no}, "ci")).Auth
		is("renewable", made.Renewable, false)
		is("policies", made.Policies, []string{"default"})
		return nil
	})
	step("RevokeTree, RevokeOrphan, RevokeSelf", func() error {
		for _, revoke := range []func(string) error{auth.RevokeTree, auth.RevokeOrphan} {
			made := must(auth.Create(&api.TokenCreateRequest{Policies: []string{"default"}})).Auth.ClientToken
			done(revoke(made))
			_, err := auth.Lookup(made)
			refused(403, err)
		}
		own := must(client.Clone())
		own.SetToken(must(auth.Create(&api.TokenCreateRequest{Policies: []string{"default"}})).Auth.ClientToken)
		set("ttl", must(must(own.Auth().Token().LookupSelf()).TokenTTL()))
		set("renewed", must(own.Auth().Token().RenewSelf(60)).Auth.LeaseDuration)
		done(own.Auth().Token().RevokeSelf(""))
		_, err := own.Auth().Token().LookupSelf()
		refused(403, err)
		return nil
	})
	step("a batch token", func() error {
		made := must(auth.Create(&api.TokenCreateRequest{Type: "batch", Policies: []string{"default"}, TTL: "1h"})).Auth
		is("accessor", made.Accessor, "")
		return nil
	})
}

// leased gives a secret with a lease: a certificate.
func leased(client *api.Client) *api.Secret {
	return must(client.Logical().Write("pki/issue/web", object{"common_name": "a.example.com"}))
}

func leases(client *api.Client) {
	sys := client.Sys()
	step("Lookup, Renew, Revoke, RevokePrefix, RevokeForce, RevokeWithOptions", func() error {
		done(sys.Mount("pki", &api.MountInput{Type: "pki"}))
		must(client.Logical().Write("pki/root/generate/internal", object{"common_name": "root", "key_type": "ec"}))
		must(client.Logical().Write("pki/roles/web", object{
			"allow_any_name": true, "generate_lease": true, "ttl": "1h", "key_type": "ec",
		}))
		id := leased(client).LeaseID
		set("lease", id)
		is("id", must(sys.Lookup(id)).Data["id"], id)
		_, err := sys.Renew(id, 10)
		refused(400, err)
		done(sys.Revoke(id))
		_, err = sys.Lookup(id)
		refused(400, err)
		leased(client)
		done(sys.RevokePrefix("pki/issue/web"))
		leased(client)
		done(sys.RevokeForce("pki"))
		done(sys.RevokeWithOptions(&api.RevokeOptions{LeaseID: leased(client).LeaseID, Sync: true}))
		return nil
	})
}

func logical(client *api.Client) {
	logical := client.Logical()
	step("Write, Read, List, Delete; nothing there", func() error {
		must(logical.Write("cubbyhole/a/b", object{"word": "x", "number": 7}))
		is("read", must(logical.Read("cubbyhole/a/b")).Data, object{"word": "x", "number": json.Number("7")})
		is("list", must(logical.List("cubbyhole/a")).Data["keys"], []any{"b"})
		if secret := must(logical.Delete("cubbyhole/a/b")); secret != nil {
			return errors.New("a deletion answers")
		}
		if must(logical.Read("cubbyhole/a/b")) != nil || must(logical.List("cubbyhole/none")) != nil {
			return errors.New("something is there")
		}
		return nil
	})
	step("WriteBytes, WriteRaw, ReadRaw", func() error {
		must(logical.WriteBytes("cubbyhole/raw", []byte(`{"a": "b"}`)))
		answer := must(logical.ReadRaw("cubbyhole/raw"))
		is("parsed", must(logical.ParseRawResponseAndCloseBody(answer, nil)).Data, object{"a": "b"})
		return must(logical.WriteRaw("cubbyhole/raw", []byte(`{"a": "c"}`))).Body.Close()
	})
	step("JSONMergePatch, ReadWithData", func() error {
		must(logical.Write("secret/data/merged", object{"data": object{"a": "1", "b": "2"}}))
		must(logical.JSONMergePatch(ctx, "secret/data/merged", object{"data": object{"b": nil, "c": "3"}}))
		first := must(logical.ReadWithData("secret/data/merged", map[string][]string{"version": {"1"}}))
		is("first", first.Data["data"], object{"a": "1", "b": "2"})
		is("last", must(logical.Read("secret/data/merged")).Data["data"], object{"a": "1", "c": "3"})
		return nil
	})
	step("Unwrap", func() error {
		wrapping := must(client.Clone())
		wrapping.SetToken(client.Token())
		wrapping.SetWrappingLookupFunc(func(string, string) string { return "5m" })
		info := must(wrapping.Logical().Read("secret/data/merged")).WrapInfo
		is("ttl", info.TTL, 300)
		is("path", info.CreationPath, "secret/data/merged")
		set("time", info.CreationTime)
		look := must(logical.Write("sys/wrapping/lookup", object{"token": info.Token}))
		is("ttl", look.Data["creation_ttl"], json.Number("300"))
		is("data", must(logical.Unwrap(info.Token)).Data["data"], object{"a": "1", "c": "3"})
		_, err := logical.Unwrap(info.Token)
		refused(400, err)
		return nil
	})
	step("Help", func() error {
		help := must(client.Help("sys/mounts"))
		set("help", help.Help)
		set("document", len(help.OpenAPI))
		return nil
	})
	step("AuditHash, EnableAudit, ListAudit, DisableAudit", func() error {
		sys := client.Sys()
		done(sys.EnableAuditWithOptions("file", &api.EnableAuditOptions{
			Type: "file", Options: map[string]string{"file_path": "discard"},
		}))
		is("list", must(sys.ListAudit())["file/"].Type, "file")
		is("hash", strings.HasPrefix(must(sys.AuditHash("file", "x")), "hmac-sha256:"), true)
		return sys.DisableAudit("file")
	})
	step("CORSStatus, ConfigureCORS, DisableCORS", func() error {
		sys := client.Sys()
		done(sys.ConfigureCORS(&api.CORSRequest{AllowedOrigins: []string{"https://a.example"}, Enabled: true}))
		state := must(sys.CORSStatus())
		is("origins", state.AllowedOrigins, []string{"https://a.example"})
		is("enabled", state.Enabled, true)
		return sys.DisableCORS()
	})
}

func keyValue(client *api.Client) {
	step("KVv1", func() error {
		done(client.Sys().Mount("old", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}))
		kv := client.KVv1("old")
		done(kv.Put(ctx, "a", object{"x": "y"}))
		is("data", must(kv.Get(ctx, "a")).Data, object{"x": "y"})
		done(kv.Delete(ctx, "a"))
		_, err := kv.Get(ctx, "a")
		is("absent", errors.Is(err, api.ErrSecretNotFound), true)
		return nil
	})
	kv := client.KVv2("secret")
	step("KVv2: Put, Patch, Get, GetVersion, Rollback", func() error {
		is("version", must(kv.Put(ctx, "app", object{"a": "1"}, api.WithCheckAndSet(0))).VersionMetadata.Version, 1)
		_, err := kv.Put(ctx, "app", object{}, api.WithCheckAndSet(0))
		refused(400, err)
		must(kv.Patch(ctx, "app", object{"b": "2"}))
		must(kv.Patch(ctx, "app", object{"c": "3"}, api.WithMergeMethod("rw")))
		is("data", must(kv.Get(ctx, "app")).Data, object{"a": "1", "b": "2", "c": "3"})
		is("first", must(kv.GetVersion(ctx, "app", 1)).Data, object{"a": "1"})
		is("rolled", must(kv.Rollback(ctx, "app", 1)).VersionMetadata.Version, 4)
		set("time", must(kv.Get(ctx, "app")).VersionMetadata.CreatedTime)
		return nil
	})
	step("KVv2: PutMetadata, PatchMetadata, GetMetadata, GetVersionsAsList", func() error {
		done(kv.PutMetadata(ctx, "app", api.KVMetadataPutInput{
			MaxVersions: 10, DeleteVersionAfter: time.Hour, CustomMetadata: object{"team": "a"},
		}))
		limit := 9
		done(kv.PatchMetadata(ctx, "app", api.KVMetadataPatchInput{MaxVersions: &limit}))
		found := must(kv.GetMetadata(ctx, "app"))
		is("limit", found.MaxVersions, 9)
		is("until", found.DeleteVersionAfter, time.Hour)
		is("custom", found.CustomMetadata, object{"team": "a"})
		is("current", found.CurrentVersion, 4)
		set("updated", found.UpdatedTime)
		var numbers []int
		for _, one := range must(kv.GetVersionsAsList(ctx, "app")) {
			numbers = append(numbers, one.Version)
		}
		sort.Ints(numbers)
		is("versions", numbers, []int{1, 2, 3, 4})
		return nil
	})
	step("KVv2: Delete, DeleteVersions, Undelete, Destroy, DeleteMetadata", func() error {
		done(kv.Delete(ctx, "app"))
		gone := must(kv.Get(ctx, "app"))
		is("no data", len(gone.Data), 0)
		set("deletion", gone.VersionMetadata.DeletionTime)
		done(kv.DeleteVersions(ctx, "app", []int{1, 2}))
		done(kv.Undelete(ctx, "app", []int{1, 4}))
		is("back", must(kv.Get(ctx, "app")).Data, object{"a": "1"})
		done(kv.Destroy(ctx, "app", []int{1}))
		is("destroyed", must(kv.GetVersion(ctx, "app", 1)).VersionMetadata.Destroyed, true)
		done(kv.DeleteMetadata(ctx, "app"))
		_, err := kv.GetMetadata(ctx, "app")
		is("absent", errors.Is(err, api.ErrSecretNotFound), true)
		return nil
	})
}

func watchers(client *api.Client) {
	step("LifetimeWatcher renews a token", func() error {
		made := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "3s"}))
		own := must(client.Clone())
		own.SetToken(made.Auth.ClientToken)
		watcher := must(own.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: made, Increment: 3}))
		go watcher.Start()
		defer watcher.Stop()
		select {
		case err := <-watcher.DoneCh():
			return fmt.Errorf("it is done: %v", err)
		case renewal := <-watcher.RenewCh():
			is("lease", renewal.Secret.Auth.LeaseDuration, 3)
		case <-time.After(5 * time.Second):
			return errors.New("no renewal")
		}
		return nil
	})
}

func status(client *api.Client) {
	sys := client.Sys()
	step("Health, Leader, HAStatus, InitStatus, SealStatus", func() error {
		health := must(sys.Health())
		is("states", []bool{health.Initialized, health.Sealed, health.Standby}, []bool{true, false, false})
		set("version", health.Version)
		set("cluster", health.ClusterID)
		set("time", health.ServerTimeUTC)
		is("ha", must(sys.Leader()).HAEnabled, false)
		is("initialized", must(sys.InitStatus()), true)
		seal := must(sys.SealStatus())
		is("seal", []any{seal.Type, seal.Sealed, seal.T, seal.N, seal.StorageType}, []any{"shamir", false, 1, 1, "inmem"})
		set("name", seal.ClusterName)
		return nil
	})
	step("ReplicationStatus", func() error {
		is("none", must(sys.ReplicationStatus()).DR.Mode, "")
		is("mode", must(client.Logical().Read("sys/replication/status")).Data["mode"], "disabled")
		return nil
	})
	step("KeyStatus, Rotate", func() error {
		is("term", must(sys.KeyStatus()).Term, 1)
		done(sys.Rotate())
		found := must(sys.KeyStatus())
		is("term", found.Term, 2)
		set("time", found.InstallTime)
		return nil
	})
}

func keys(client *api.Client, key string) {
	sys := client.Sys()
	step("GenerateRoot", func() error {
		is("started", must(sys.GenerateRootStatus()).Started, false)
		begun := must(sys.GenerateRootInit("", ""))
		is("needs", []any{begun.Started, begun.Progress, begun.Required}, []any{true, 0, 1})
		is("otp", len(begun.OTP), begun.OTPLength)
		made := must(sys.GenerateRootUpdate(key, begun.Nonce))
		is("complete", made.Complete, true)
		sealed := must(base64.RawStdEncoding.DecodeString(made.EncodedToken))
		for at := range sealed {
			sealed[at] ^= begun.OTP[at]
		}
		own := must(client.Clone())
		own.SetToken(string(sealed))
		is("policies", must(must(own.Auth().Token().LookupSelf()).TokenPolicies()), []string{"root"})
		must(sys.GenerateRootInit("", ""))
		return sys.GenerateRootCancel()
	})
	step("Rekey with verification", func() error {
		is("started", must(sys.RekeyStatus()).Started, false)
		begun := must(sys.RekeyInit(&api.RekeyInitRequest{SecretShares: 3, SecretThreshold: 2, RequireVerification: true}))
		is("asked", []any{begun.Started, begun.T, begun.N, begun.Required}, []any{true, 2, 3, 1})
		made := must(sys.RekeyUpdate(key, begun.Nonce))
		is("made", []any{made.Complete, len(made.Keys), len(made.KeysB64), made.VerificationRequired}, []any{true, 3, 3, true})
		check := must(sys.RekeyVerificationStatus())
		is("verification", []any{check.T, check.N, check.Progress, check.Nonce}, []any{2, 3, 0, made.VerificationNonce})
		is("half", must(sys.RekeyVerificationUpdate(made.KeysB64[0], made.VerificationNonce)).Complete, false)
		is("whole", must(sys.RekeyVerificationUpdate(made.KeysB64[2], made.VerificationNonce)).Complete, true)
		again := must(sys.RekeyInit(&api.RekeyInitRequest{SecretShares: 1, SecretThreshold: 1}))
		is("nonce asked for", sys.RekeyCancel() != nil, true)
		must(client.Logical().DeleteWithData("sys/rekey/init", map[string][]string{"nonce": {again.Nonce}}))
		is("cancelled", must(sys.RekeyStatus()).Started, false)
		done(sys.Seal())
		is("sealed", must(sys.SealStatus()).Sealed, true)
		is("progress", must(sys.Unseal(made.Keys[1])).Progress, 1)
		is("reset", must(sys.ResetUnsealProcess()).Progress, 0)
		must(sys.Unseal(made.Keys[1]))
		is("open", must(sys.UnsealWithOptions(&api.UnsealOpts{Key: made.KeysB64[2]})).Sealed, false)
		return nil
	})
	step("StepDown of a server without others", func() error { return sys.StepDown() })
}
