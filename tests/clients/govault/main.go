// What a Go program does with Vault's own client: list, encrypt and decrypt, key-value secrets, a login.
// The answers go to standard output as one JSON object.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/hashicorp/vault/api"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	config := api.DefaultConfig()
	config.Address = os.Args[1]
	config.MaxRetries = 0
	client := must(api.NewClient(config))
	client.SetToken(os.Args[2])
	ctx := context.Background()
	found := map[string]any{}

	if err := client.Sys().Mount("go-transit", &api.MountInput{Type: "transit"}); err != nil {
		log.Fatal(err)
	}
	logical := client.Logical()
	must(logical.Write("go-transit/keys/orders", nil))
	found["keys"] = must(logical.List("go-transit/keys")).Data["keys"]
	plain := base64.StdEncoding.EncodeToString([]byte("four score"))
	sealed := must(logical.Write("go-transit/encrypt/orders", map[string]any{"plaintext": plain}))
	found["ciphertext"] = sealed.Data["ciphertext"]
	opened := must(logical.Write("go-transit/decrypt/orders", map[string]any{"ciphertext": sealed.Data["ciphertext"]}))
	found["plaintext"] = string(must(base64.StdEncoding.DecodeString(opened.Data["plaintext"].(string))))

	kv := client.KVv2("secret")
	must(kv.Put(ctx, "app/db", map[string]any{"password": "s3cr3t", "port": 5432}))
	must(kv.Put(ctx, "app/db", map[string]any{"password": "changed"}))
	found["first"] = must(kv.GetVersion(ctx, "app/db", 1)).Data
	found["latest"] = must(kv.Get(ctx, "app/db")).Data
	found["names"] = must(logical.List("secret/metadata/app")).Data["keys"]
	_, err := kv.Get(ctx, "app/none")
	found["absent"] = errors.Is(err, api.ErrSecretNotFound)

	var answer *api.ResponseError
	_, err = logical.Write("go-transit/decrypt/orders", map[string]any{"ciphertext": "nonsense"})
	if errors.As(err, &answer) {
		found["refused"] = answer.StatusCode
	}
	found["sealed"] = must(client.Sys().SealStatus()).Sealed
	child := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h"}))
	client.SetToken(child.Auth.ClientToken)
	found["ttl"] = must(client.Auth().Token().LookupSelf()).Data["creation_ttl"]
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
