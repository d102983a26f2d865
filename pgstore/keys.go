package pgstore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Keys are the keys that tokens are encrypted with.
//
// A key is replaced by three roll-outs of the fleet. In each of them, processes
// with the settings before and after it run side by side, and each can read what
// the other writes:
//
//  1. Current 1, Previous [2]: everybody learns key 2.
//  2. Current 2, Previous [1]: everybody writes with key 2.
//  3. Current 2: key 1 is forgotten. Call [Store.Reencrypt] before, once the
//     second roll-out is complete, or what still lies under key 1 can't be read.
type Keys struct {
	// Current encrypts all that is written.
	Current Key
	// Previous only decrypt. The next key may be among them.
	Previous []Key
}

// Key is an AES-256 key with a name.
//
// No fmt verb that fits a value, no slog handler and no encoder prints the
// secret. But Secret is a plain field: where Key stands in an unexported field of
// a struct, fmt sees the bytes. Hand it to [New], and don't keep it.
type Key struct {
	// ID is stored with each row that the key encrypted: any printable text of at
	// most 64 bytes. It must never stand for another secret.
	ID string
	// Secret is 32 random bytes.
	Secret []byte
}

// Format prints the id and a mask, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.masked()) }

// String returns the id and a mask.
func (k Key) String() string { return k.masked() }

// GoString returns the id and a mask.
func (k Key) GoString() string { return k.masked() }

// LogValue is the id and a mask.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.masked()) }

// MarshalText writes the id and a mask, to JSON as well.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.masked()), nil }

// MarshalBinary fails: gob and its like would write the secret.
func (k Key) MarshalBinary() ([]byte, error) {
	return nil, errors.New("pgstore: a key can't be encoded")
}

func (k Key) masked() string { return fmt.Sprintf("{ID:%q Secret:****}", k.ID) }
