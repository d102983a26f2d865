package usersecurity_test

import (
	"bytes"
	"crypto"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

func TestSealIsOpenedByGoJose(t *testing.T) {
	seen := map[string]bool{}
	for _, plaintext := range []string{`{"pin":"0417"}`, `{}`, strings.Repeat("x", 5000)} {
		compact, cek, wipe, err := usersecurity.SealBytes(publicKey(), []byte(plaintext))
		if err != nil {
			t.Fatal(err)
		}
		if opened := unseal(t, string(compact)); opened != plaintext {
			t.Fatalf("opened %q", opened)
		}
		if !bytes.Equal(cek, cekOf(string(compact))) {
			t.Error("the content key that is kept is another")
		}
		segments := strings.Split(string(compact), ".")
		for _, s := range []string{segments[1], segments[2], string(cek)} {
			if seen[s] {
				t.Error("a key or an initialization vector came twice")
			}
			seen[s] = true
		}
		if cap(compact) != len(compact) {
			t.Errorf("the buffer has %d bytes for %d", cap(compact), len(compact))
		}
		wipe()
		if !bytes.Equal(cek, make([]byte, cekSize)) {
			t.Error("the content key is still there")
		}
	}
}

func TestOpenReply(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	old, current := sealingKey(), newKey(3072)
	keys := map[string]crypto.Decrypter{testKid: hsm{current}, uuid.Max.String(): old}
	for name, compact := range map[string]string{
		"dir":                    sealReply(jose.DIRECT, cek, "hello", nil),
		"dir with other headers": sealReply(jose.DIRECT, cek, "hello", (&jose.EncrypterOptions{}).WithHeader("url", "/v1/user/pin")),
		"dir in white space":     "\r\n \t" + sealReply(jose.DIRECT, cek, "hello", nil) + "\n",
		"RSA":                    sealReply(jose.RSA_OAEP_256, current.Public(), "hello", kidHeader(testKid)),
		"RSA, kid in capitals":   sealReply(jose.RSA_OAEP_256, current.Public(), "hello", kidHeader(strings.ToUpper(testKid))),
		"RSA to the older key":   sealReply(jose.RSA_OAEP_256, old.Public(), "hello", kidHeader(uuid.Max.String())),
	} {
		t.Run(name, func(t *testing.T) {
			if opened, err := usersecurity.OpenReply([]byte(compact), cek, keys); err != nil || string(opened) != "hello" {
				t.Errorf("opened %q, %v", opened, err)
			}
		})
	}
}

func TestOpenReplyRefuses(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: sealingKey()}
	for name, compact := range badReplies(cek, sealingKey()) {
		t.Run(name, func(t *testing.T) {
			//nolint:errorlint // the very error, without anything around it that could tell more
			if opened, err := usersecurity.OpenReply([]byte(compact), cek, keys); err != usersecurity.ErrDecrypt || opened != nil {
				t.Errorf("opened %q, error %v", opened, err)
			}
		})
	}
	dir := sealReply(jose.DIRECT, cek, "hello", nil)
	for name, cek := range map[string][]byte{"none": nil, "short": cek[1:], "long": append(cek[:cekSize:cekSize], 7)} {
		if _, err := usersecurity.OpenReply([]byte(dir), cek, keys); !errors.Is(err, usersecurity.ErrDecrypt) {
			t.Errorf("content key %s: error %v", name, err)
		}
	}
}

func TestOpenReplyRefusesEveryMutation(t *testing.T) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: sealingKey()}
	for name, compact := range map[string]string{
		"dir": sealReply(jose.DIRECT, cek, "hello", nil),
		"RSA": sealReply(jose.RSA_OAEP_256, sealingKey().Public(), "hello", kidHeader(testKid)),
	} {
		refuse := func(what string, at int, mutant string) {
			t.Helper()
			if opened, err := usersecurity.OpenReply([]byte(mutant), cek, keys); !errors.Is(err, usersecurity.ErrDecrypt) || opened != nil {
				t.Errorf("%s %s at %d: opened %q, error %v", name, what, at, opened, err)
			}
		}
		for i := range len(compact) {
			refuse("cut", i, compact[:i])
			refuse("without a byte", i, compact[:i]+compact[i+1:])
			other := byte('A')
			if compact[i] == other {
				other = 'B'
			}
			refuse("changed", i, compact[:i]+string(other)+compact[i+1:])
		}
	}
}

func FuzzOpenReply(f *testing.F) {
	cek := bytes.Repeat([]byte{7}, cekSize)
	keys := map[string]crypto.Decrypter{testKid: sealingKey()}
	f.Add([]byte(sealReply(jose.DIRECT, cek, "hello", nil)))
	f.Add([]byte(sealReply(jose.RSA_OAEP_256, sealingKey().Public(), "hello", kidHeader(testKid))))
	for _, compact := range badReplies(cek, sealingKey()) {
		if len(compact) < maxProtected {
			f.Add([]byte(compact))
		}
	}
	f.Fuzz(func(t *testing.T, compact []byte) {
		opened, err := usersecurity.OpenReply(compact, cek, keys)
		if err == nil && string(opened) == "hello" {
			return // one of the two good seeds: nothing else says hello
		}
		if !errors.Is(err, usersecurity.ErrDecrypt) || opened != nil {
			t.Fatalf("opened %q, error %v", opened, err)
		}
	})
}
