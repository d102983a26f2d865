package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// sequential sets a PIN with the standard library alone, one request after the other.
type sequential struct {
	client                 *http.Client
	base, clientID, secret string
}

func (s sequential) createPin(profile usersecurity.ProfileID, refreshToken string) error {
	user, err := s.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	if err != nil {
		return err
	}
	application, err := s.token(url.Values{"grant_type": {"client_credentials"}})
	if err != nil {
		return err
	}
	key, err := s.key(application)
	if err != nil {
		return err
	}
	compact, _, err := sealByHand(key, requestHeader, []byte(pinBody))
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/v2/profiles/%d/pin", s.base, profile), strings.NewReader(compact))
	if err != nil {
		return err
	}
	setHeaders(req.Header, correlationID)
	setSealedHeaders(req.Header)
	req.Header.Set("Authorization", "Bearer "+user)
	_, err = s.send(req)
	return err
}

func (s sequential) token(form url.Values) (string, error) {
	req, err := http.NewRequest(http.MethodPost, s.base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(s.clientID, s.secret)
	body, err := s.send(req)
	if err != nil {
		return "", err
	}
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	return reply.AccessToken, json.Unmarshal(body, &reply)
}

func (s sequential) key(token string) (*rsa.PublicKey, error) {
	req, err := http.NewRequest(http.MethodGet, s.base+"/v1/auth/jose/response/public-keys?algorithm=RSA_OAEP_256&scope=PAYLOAD_ENCRYPTION", nil)
	if err != nil {
		return nil, err
	}
	setHeaders(req.Header, correlationID)
	req.Header.Set("Authorization", "Bearer "+token)
	body, err := s.send(req)
	if err != nil {
		return nil, err
	}
	var reply struct {
		KeyMaterial struct {
			KeyMaterial []byte `json:"keyMaterial"`
		} `json:"keyMaterial"`
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(reply.KeyMaterial.KeyMaterial)
	if err != nil {
		return nil, err
	}
	return public.(*rsa.PublicKey), nil
}

func (s sequential) send(req *http.Request) ([]byte, error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = statusError(resp.StatusCode)
	}
	return body, err
}
