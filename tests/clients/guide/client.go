package main

import (
    "bytes"
    "encoding/json"
    "fmt"
    "net/http"
)

type KmsClient struct {
    BaseURL string
    Client  *http.Client
}

func NewKmsClient(baseURL string) *KmsClient {
    return &KmsClient{
        BaseURL: baseURL,
        Client:  &http.Client{},
    }
}

func (k *KmsClient) CreateKey(keyName string) error {
    url := fmt.Sprintf("%s/key/create?keyName=%s", k.BaseURL, keyName)
    resp, err := k.Client.Post(url, "application/json", nil)
    if err != nil {
        return err
    }
    defer resp.Body.Close()
    
    if resp.StatusCode != http.StatusOK {
        return fmt.Errorf("failed to create key: %s", resp.Status)
    }
    
    return nil
}

func (k *KmsClient) ListKeys() ([]byte, error) {
    url := fmt.Sprintf("%s/key/list", k.BaseURL)
    resp, err := k.Client.Get(url)
    if err != nil {
        return nil, err
    }
    defer resp.Body.Close()
    
    var result bytes.Buffer
    _, err = result.ReadFrom(resp.Body)
    return result.Bytes(), err
}
