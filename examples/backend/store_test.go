package main

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

func TestKeysOfTheStore(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	keys, err := parseKeys("new:" + secret + ",old:" + secret)
	if err != nil || keys.Current.ID != "new" || len(keys.Previous) != 1 || keys.Previous[0].ID != "old" || len(keys.Current.Secret) != 32 {
		t.Errorf("%v, %v", keys, err)
	}
	for _, text := range []string{"", "new", "new:", secret, "new:" + secret[1:], "new:" + secret + ",", "new:c2VjcmV0"} {
		if _, err := parseKeys(text); err == nil || strings.Contains(err.Error(), "kkk") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStoreThatCannotBeOpened(t *testing.T) {
	keys := "new:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	for _, address := range []string{"postgres://partner:pw-5c91e0@127.0.0.1:1/tokens", "postgres://partner:pw-5c91e0@127.0.0.1:port/"} {
		store, _, err := openStore(t.Context(), address, keys)
		if err == nil || store != nil || strings.Contains(err.Error(), "pw-5c91e0") {
			t.Errorf("%v", err)
		}
	}
	if _, _, err := openStore(t.Context(), "postgres://127.0.0.1:1/tokens", ""); err == nil || !strings.Contains(err.Error(), "TOKEN_KEYS") {
		t.Errorf("without keys: %v", err)
	}
	store, closeStore, err := openStore(t.Context(), "", "")
	if _, ok := store.(*usersecurity.MemoryTokenStore); !ok || err != nil {
		t.Errorf("%T, %v", store, err)
	}
	closeStore()
}
