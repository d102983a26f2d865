package usersecurity_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest/storetest"
)

func TestMemoryTokenStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) usersecurity.TokenStore { return usersecurity.NewMemoryTokenStore() })
}

func TestMemoryTokenStoreSharesNoExtras(t *testing.T) {
	store := usersecurity.NewMemoryTokenStore()
	extras := map[string]any{"scope": "transfers"}
	given := (&oauth2.Token{AccessToken: "access"}).WithExtra(extras)
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return given, nil })
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Load(t.Context(), 1001)
	if err != nil {
		t.Fatal(err)
	}
	if got.Extra("scope") != nil {
		t.Error("the stored token shares a map with the one that was given")
	}
}

func TestMemoryTokenStoreCannotBePrinted(t *testing.T) {
	const marked = "tok-7f3a91"
	store := usersecurity.NewMemoryTokenStore()
	token := &oauth2.Token{AccessToken: marked, RefreshToken: marked}
	_, err := store.Update(t.Context(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) { return token, nil })
	if err != nil {
		t.Fatal(err)
	}
	type holder struct {
		store *usersecurity.MemoryTokenStore
		value usersecurity.MemoryTokenStore
		any   usersecurity.TokenStore
	}
	var printed bytes.Buffer
	for _, value := range []any{store, *store, holder{store, *store, store}, &holder{store, *store, store}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("store", "store", value)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("store", "store", value)
		_ = json.NewEncoder(&printed).Encode(value)
		_ = xml.NewEncoder(&printed).Encode(value)
		_ = gob.NewEncoder(&printed).Encode(value)
	}
	if text := printed.String(); strings.Contains(text, marked) || strings.Contains(text, fmt.Sprintf("%x", marked)) {
		t.Errorf("the token is in what was printed:\n%s", text)
	}
	if got := fmt.Sprint(store); got != "usersecurity.MemoryTokenStore" {
		t.Errorf("the store prints as %q", got)
	}
}
