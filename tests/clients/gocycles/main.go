// Carries out the requests of resources with Logical() of Vault's own client. Standard input: an object of lists of
// requests by name. Standard output: the answers, likewise; nothing is 404 for reads and lists, 204 for others.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"
)

type request struct {
	Verb string            `json:"verb"`
	Path string            `json:"path"`
	Data json.RawMessage   `json:"data"`
	Save map[string]string `json:"save"`
}

type answer struct {
	Status   int            `json:"status"`
	Data     map[string]any `json:"data"`
	Errors   []string       `json:"errors"`
	Warnings []string       `json:"warnings"`
}

// filled puts the values of earlier answers into a text.
func filled(text string, saved map[string]string) string {
	for name, value := range saved {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// member returns a member of the data, which may be below others.
func member(data map[string]any, dotted string) string {
	var found any = data
	for _, name := range strings.Split(dotted, ".") {
		switch known := found.(type) {
		case map[string]any:
			found = known[name]
		case []any:
			index, err := strconv.Atoi(name)
			if err != nil || index >= len(known) {
				return ""
			}
			found = known[index]
		default:
			return ""
		}
	}
	return fmt.Sprint(found)
}

func ask(logical *api.Logical, verb, path string, data map[string]any) (*api.Secret, error) {
	switch verb {
	case "read":
		return logical.Read(path)
	case "list":
		return logical.List(path)
	case "delete":
		return logical.Delete(path)
	}
	return logical.Write(path, data)
}

func answered(verb string, secret *api.Secret, err error) answer {
	var refused *api.ResponseError
	if errors.As(err, &refused) {
		return answer{Status: refused.StatusCode, Errors: refused.Errors}
	}
	if err != nil {
		log.Fatal(err)
	}
	if secret == nil {
		if verb == "read" || verb == "list" {
			return answer{Status: 404}
		}
		return answer{Status: 204}
	}
	return answer{Status: 200, Data: secret.Data, Warnings: secret.Warnings}
}

func main() {
	config := api.DefaultConfig()
	config.Address = os.Args[1]
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	if err != nil {
		log.Fatal(err)
	}
	client.SetToken(os.Args[2])
	var lives map[string][]request
	if err := json.NewDecoder(os.Stdin).Decode(&lives); err != nil {
		log.Fatal(err)
	}
	found := map[string][]answer{}
	for name, steps := range lives {
		saved := map[string]string{}
		for _, step := range steps {
			var data map[string]any
			if err := json.Unmarshal([]byte(filled(string(step.Data), saved)), &data); err != nil {
				log.Fatal(err)
			}
			secret, err := ask(client.Logical(), step.Verb, filled(step.Path, saved), data)
			one := answered(step.Verb, secret, err)
			for kept, place := range step.Save {
				saved[kept] = member(one.Data, place)
			}
			found[name] = append(found[name], one)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
