package pgstore

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// keyring turns tokens into what lies in the table, and back.
type keyring struct {
	current string
	byID    map[string]cipher.AEAD
}

// sealedToken is what lies in the table: which key opens it, and the bytes. Nil
// bytes stand for no tokens.
type sealedToken struct {
	keyID string
	bytes []byte
}

// plaintext is what is encrypted. It is not oauth2.Token, so that what lies in
// databases doesn't change with that package.
type plaintext struct {
	AccessToken  string    `json:"access_token"`
	TokenType    string    `json:"token_type,omitempty"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	Expiry       time.Time `json:"expiry,omitzero"`
	ExpiresIn    int64     `json:"expires_in,omitempty"`
}

func newKeyring(keys Keys) (*keyring, error) {
	r := &keyring{current: keys.Current.ID, byID: map[string]cipher.AEAD{}}
	for n, key := range append([]Key{keys.Current}, keys.Previous...) {
		if err := r.add(key); err != nil {
			which := "Keys.Current"
			if n > 0 {
				which = fmt.Sprintf("Keys.Previous[%d]", n-1)
			}
			return nil, invalid(which + ": " + err.Error())
		}
	}
	return r, nil
}

func (r *keyring) add(key Key) error {
	unprintable := func(c rune) bool { return !unicode.IsPrint(c) }
	switch {
	case key.ID == "":
		return errors.New("the key has no ID")
	case len(key.ID) > 64 || !utf8.ValidString(key.ID) || strings.ContainsFunc(key.ID, unprintable):
		return errors.New("the ID must be printable text of at most 64 bytes")
	case len(key.Secret) != 32:
		return fmt.Errorf("the secret of key %q must have 32 bytes, it has %d", key.ID, len(key.Secret))
	case r.byID[key.ID] != nil:
		return fmt.Errorf("the ID %q is there twice", key.ID)
	}
	block, err := aes.NewCipher(key.Secret)
	if err != nil {
		return fmt.Errorf("the secret of key %q can't be used", key.ID)
	}
	// Each Seal makes a random nonce and puts it before what it encrypts.
	r.byID[key.ID], err = cipher.NewGCMWithRandomNonce(block)
	return err
}

// seal encrypts under the current key.
func (r *keyring) seal(user usersecurity.UserID, token *oauth2.Token) (sealedToken, error) {
	if token == nil {
		return sealedToken{}, nil
	}
	text, err := json.Marshal(plaintext{ //nolint:gosec // to be encrypted
		AccessToken:  token.AccessToken,
		TokenType:    token.TokenType,
		RefreshToken: token.RefreshToken,
		Expiry:       token.Expiry,
		ExpiresIn:    token.ExpiresIn,
	})
	if err != nil {
		return sealedToken{}, invalid("the token's expiry is no date that can be stored")
	}
	return r.sealText(user, text), nil
}

func (r *keyring) sealText(user usersecurity.UserID, text []byte) sealedToken {
	return sealedToken{r.current, r.byID[r.current].Seal(nil, nil, text, boundTo(user, r.current))}
}

// open decrypts what any of the keys has encrypted for this very user.
func (r *keyring) open(user usersecurity.UserID, sealed sealedToken) (*oauth2.Token, error) {
	if sealed.bytes == nil {
		return nil, nil
	}
	text, err := r.openText(user, sealed)
	if err != nil {
		return nil, err
	}
	var t plaintext
	if json.Unmarshal(text, &t) != nil {
		return nil, unreadable(fmt.Sprintf("the tokens of user %d were written by a version of pgstore that this one doesn't know", user))
	}
	return &oauth2.Token{
		AccessToken:  t.AccessToken,
		TokenType:    t.TokenType,
		RefreshToken: t.RefreshToken,
		Expiry:       t.Expiry,
		ExpiresIn:    t.ExpiresIn,
	}, nil
}

func (r *keyring) openText(user usersecurity.UserID, sealed sealedToken) ([]byte, error) {
	key := r.byID[sealed.keyID]
	if key == nil {
		return nil, unreadable(fmt.Sprintf("the tokens of user %d are encrypted under key %q, which Keys doesn't hold: "+
			"add it to Keys.Previous; if its secret is lost, delete the rows with this key_id and let the customers link their accounts again",
			user, sealed.keyID))
	}
	text, err := key.Open(nil, nil, sealed.bytes, boundTo(user, sealed.keyID))
	if err != nil {
		return nil, unreadable(fmt.Sprintf("the tokens of user %d don't open under key %q: "+
			"either its secret is not the one that they were encrypted with, or the row was changed or was another user's",
			user, sealed.keyID))
	}
	return text, nil
}

// boundTo is the additional data of a user's row: it opens as no other user's,
// under no other key's name, and as nothing else that the key may serve for.
func boundTo(user usersecurity.UserID, keyID string) []byte {
	data := []byte("usersecurity/pgstore token 1\n")
	data = binary.BigEndian.AppendUint64(data, uint64(user))
	return append(data, keyID...)
}
