// What a Go program does with the ACME client of golang.org/x/crypto: an account with an external key, a certificate by
// http-01 and one by tls-alpn-01, and the revocation of both, one of them with the key of the certificate.
// Arguments: the directory, the ports of both challenges, id and key of the account's external key.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/crypto/acme"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func newKey() *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

// present answers a challenge until the returned function is called.
func present(client *acme.Client, challenge *acme.Challenge, name, port string) func() error {
	listener := must(net.Listen("tcp", "127.0.0.1:"+port))
	if challenge.Type == "http-01" {
		path, text := client.HTTP01ChallengePath(challenge.Token), must(client.HTTP01ChallengeResponse(challenge.Token))
		mux := http.NewServeMux()
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(text)) })
		go http.Serve(listener, mux)
		return listener.Close
	}
	certificate := must(client.TLSALPN01ChallengeCert(challenge.Token, name))
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{acme.ALPNProto}}
	go http.Serve(tls.NewListener(listener, config), http.NotFoundHandler())
	return listener.Close
}

func issue(ctx context.Context, client *acme.Client, kind, port, name string, key *ecdsa.PrivateKey) [][]byte {
	order := must(client.AuthorizeOrder(ctx, acme.DomainIDs(name)))
	for _, url := range order.AuthzURLs {
		for _, challenge := range must(client.GetAuthorization(ctx, url)).Challenges {
			if challenge.Type == kind {
				done := present(client, challenge, name, port)
				must(client.Accept(ctx, challenge))
				must(client.WaitAuthorization(ctx, url))
				done()
			}
		}
	}
	order = must(client.WaitOrder(ctx, order.URI))
	request := &x509.CertificateRequest{DNSNames: []string{name}}
	csr := must(x509.CreateCertificateRequest(rand.Reader, request, key))
	chain, _, err := client.CreateOrderCert(ctx, order.FinalizeURL, csr, true)
	if err != nil {
		log.Fatal(err)
	}
	return chain
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := &acme.Client{Key: newKey(), DirectoryURL: os.Args[1]}
	external := &acme.ExternalAccountBinding{KID: os.Args[4], Key: must(base64.RawURLEncoding.DecodeString(os.Args[5]))}
	account := &acme.Account{Contact: []string{"mailto:ops@example.test"}, ExternalAccountBinding: external}
	must(client.Register(ctx, account, acme.AcceptTOS))
	found := map[string]any{"account": must(client.GetReg(ctx, "")).Status}

	key := newKey()
	first := issue(ctx, client, "http-01", os.Args[2], "a.example.test", key)
	found["names"] = must(x509.ParseCertificate(first[0])).DNSNames
	found["chain"] = len(first)
	if err := (&acme.Client{DirectoryURL: os.Args[1]}).RevokeCert(ctx, key, first[0], acme.CRLReasonUnspecified); err != nil {
		log.Fatal(err)
	}
	second := issue(ctx, client, "tls-alpn-01", os.Args[3], "b.example.test", newKey())
	if err := client.RevokeCert(ctx, nil, second[0], acme.CRLReasonUnspecified); err != nil {
		log.Fatal(err)
	}
	var refused *acme.Error
	if errors.As(client.RevokeCert(ctx, nil, second[0], acme.CRLReasonKeyCompromise), &refused) {
		found["refused"] = refused.ProblemType
	}
	if err := client.DeactivateReg(ctx); err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
