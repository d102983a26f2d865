package usersecurity_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

// Messages exchanged with JOSE implementations that are neither ours nor Go; testdata/interop/README.md
// says what is recorded there and how to redo it.

const interopDir = "testdata/interop"

// interopEnv decides what TestInteropLive does: "require" makes a missing node or library a failure
// rather than a skip; "record" does too, and rewrites ours.json.
const interopEnv = "USERSECURITY_INTEROP"

var (
	interopLibraries = []string{"jose", "node-jose"}
	interopKeySizes  = []string{"2048", "3072", "4096"}
)

// interopVector is a reply a library sealed: with CEK if that is set, else to the RSA key named Key.
type interopVector struct {
	Library   string `json:"library"`
	Name      string `json:"name"`
	CEK       string `json:"cek"`
	Key       string `json:"key"`
	KID       string `json:"kid"`
	Plaintext string `json:"plaintext"`
	Compact   string `json:"compact"`
}

// interopMessage is a request we sealed, and once checked what every library made of it.
type interopMessage struct {
	Name      string                   `json:"name"`
	Key       string                   `json:"key"`
	Compact   string                   `json:"compact"`
	Plaintext string                   `json:"plaintext"`
	Answer    string                   `json:"answer,omitempty"` // what the reply is to say
	CEK       string                   `json:"cek,omitempty"`    // as the libraries recovered it
	Libraries map[string]interopAnswer `json:"libraries,omitempty"`
}

type interopAnswer struct {
	Opened string `json:"opened"`
	Reply  string `json:"reply"`
}

func TestInteropRecorded(t *testing.T) {
	t.Run("theirs", func(t *testing.T) {
		checkInteropVectors(t, readInteropVectors(t, interopDir))
	})
	t.Run("ours", func(t *testing.T) {
		checkInteropAnswers(t, readInteropMessages(t, filepath.Join(interopDir, "ours.json")))
	})
}

// TestInteropTampered shows that the recorded vectors open because they are intact, and for no other reason.
func TestInteropTampered(t *testing.T) {
	for _, v := range readInteropVectors(t, interopDir) {
		t.Run(v.Library+"/"+v.Name, func(t *testing.T) {
			cek, keys := v.secrets(t)
			refused := func(what, compact string, cek []byte, keys map[string]crypto.Decrypter) {
				t.Helper()
				if got, err := usersecurity.OpenReply([]byte(compact), cek, keys); !errors.Is(err, usersecurity.ErrDecrypt) {
					t.Errorf("%s: got %q, %v; want ErrDecrypt", what, got, err)
				}
			}

			for i, what := range []string{1: "encrypted key", 2: "IV", 3: "ciphertext", 4: "tag"} {
				if what == "" || i == 1 && v.CEK != "" {
					continue
				}
				refused(what, interopAlter(t, v.Compact, i, func(b []byte) []byte {
					b[len(b)/2] ^= 1
					return b
				}), cek, keys)
			}
			// The same header in other bytes: only the authentication of the header can tell.
			refused("header", interopAlter(t, v.Compact, 0, func(b []byte) []byte {
				return append([]byte("{ "), b[1:]...)
			}), cek, keys)

			if v.CEK != "" {
				cek[len(cek)/2] ^= 1
				refused("content key", v.Compact, cek, keys)
				return
			}
			for _, size := range interopKeySizes {
				if size != v.Key {
					refused("key of "+size+" bits", v.Compact, cek, map[string]crypto.Decrypter{v.KID: recordedKey(size)})
				}
			}
		})
	}
}

func TestInteropLive(t *testing.T) {
	node := interopNode(t)

	t.Run("theirs", func(t *testing.T) {
		dir := t.TempDir()
		if out, err := node(t, "make.mjs", "--out", dir); err != nil {
			t.Fatalf("make.mjs: %v\n%s", err, out)
		}
		checkInteropVectors(t, readInteropVectors(t, dir))
	})

	t.Run("ours", func(t *testing.T) { liveOurs(t, node) })

	// What passes above passes because the check can tell.
	t.Run("check refuses", func(t *testing.T) { liveRefuses(t, node) })
}

// runNode runs a script of interopDir.
type runNode func(t *testing.T, script string, args ...string) (output string, err error)

// liveOurs has the libraries open what we seal now.
func liveOurs(t *testing.T, node runNode) {
	record := os.Getenv(interopEnv) == "record"
	plaintexts := map[string][]byte{"PIN": []byte(`{"pin":"1234"}`), "UTF-8": []byte(`{"name":"Zoë – 李 🔐"}`)}
	sizes := []int{1, 15, 16, 17, 300}
	if !record {
		sizes = append(sizes, 4096, 65536)
	}
	for _, size := range sizes {
		b := make([]byte, size)
		_, _ = rand.Read(b)
		plaintexts[fmt.Sprintf("%d bytes", size)] = b
	}

	var messages []interopMessage
	ceks := make(map[string]string)
	for _, size := range interopKeySizes {
		for name, plaintext := range plaintexts {
			m, cek := sealInterop(t, name+" to RSA "+size, size, plaintext)
			messages, ceks[m.Name] = append(messages, m), cek
		}
	}
	slices.SortFunc(messages, func(a, b interopMessage) int { return strings.Compare(a.Name, b.Name) })

	out := filepath.Join(t.TempDir(), "ours.json")
	if output, err := node(t, "check.mjs", writeInteropMessages(t, messages), out); err != nil {
		t.Fatalf("check.mjs: %v\n%s", err, output)
	}
	checked := readInteropMessages(t, out)
	if len(checked) != len(messages) {
		t.Fatalf("%d of %d messages checked", len(checked), len(messages))
	}
	for i, m := range checked {
		sent := messages[i]
		if m.Name != sent.Name || m.Compact != sent.Compact || m.Plaintext != sent.Plaintext {
			t.Errorf("%s: answered is another message, %s", sent.Name, m.Name)
		}
		if m.CEK != ceks[m.Name] {
			t.Errorf("%s: the libraries recovered another content key than it was sealed with", m.Name)
		}
	}
	checkInteropAnswers(t, checked)

	if record && !t.Failed() {
		b, err := os.ReadFile(out)
		if err == nil {
			err = os.WriteFile(filepath.Join(interopDir, "ours.json"), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// liveRefuses has them refuse what was altered.
func liveRefuses(t *testing.T, node runNode) {
	good, _ := sealInterop(t, "message", "2048", []byte(`{"pin":"1234"}`))
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for name, alter := range map[string]func(*interopMessage){
		"another plaintext": func(m *interopMessage) { m.Plaintext = interopB64([]byte(`{"pin":"1235"}`)) },
		"another key":       func(m *interopMessage) { m.Key = "3072" },
		"tag":               func(m *interopMessage) { m.Compact = interopAlter(t, m.Compact, 4, flip) },
		"encrypted key":     func(m *interopMessage) { m.Compact = interopAlter(t, m.Compact, 1, flip) },
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			alter(&bad)
			out := filepath.Join(t.TempDir(), "out.json")
			output, err := node(t, "check.mjs", writeInteropMessages(t, []interopMessage{bad}), out)
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("check.mjs: %v, want exit status 1", err)
			}
			for _, library := range interopLibraries {
				if !strings.Contains(output, "message: "+library+": ") {
					t.Errorf("%s did not object:\n%s", library, output)
				}
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("an output was written: %v", err)
			}
		})
	}
}

// checkInteropVectors opens every vector.
func checkInteropVectors(t *testing.T, vectors []interopVector) {
	t.Helper()
	for _, v := range vectors {
		t.Run(v.Library+"/"+v.Name, func(t *testing.T) {
			cek, keys := v.secrets(t)
			got, err := usersecurity.OpenReply([]byte(v.Compact), cek, keys)
			if err != nil {
				t.Fatal(err)
			}
			if want := interopUnB64(t, v.Plaintext); !bytes.Equal(got, want) {
				t.Errorf("opened to %q, want %q", got, want)
			}
		})
	}
}

// checkInteropAnswers checks what every library made of messages we sealed: the same as
// go-jose does, and a reply that opens with the message's content key and says what was opened.
func checkInteropAnswers(t *testing.T, messages []interopMessage) {
	t.Helper()
	for _, m := range messages {
		t.Run(m.Name, func(t *testing.T) {
			key := recordedKey(m.Key)
			plaintext, cek := []byte(unseal(t, m.Compact, key)), cekOf(m.Compact, key)
			if interopB64(plaintext) != m.Plaintext || interopB64(cek) != m.CEK {
				t.Error("the libraries disagree with Go on the plaintext or the content key")
			}
			if len(m.Libraries) != len(interopLibraries) {
				t.Errorf("%d libraries answered, want %d", len(m.Libraries), len(interopLibraries))
			}
			for _, library := range interopLibraries {
				answer := m.Libraries[library]
				if answer.Opened != m.Plaintext {
					t.Errorf("%s opened it to %q, want %q", library, interopUnB64(t, answer.Opened), plaintext)
				}
				reply, err := usersecurity.OpenReply([]byte(answer.Reply), cek, nil)
				if err != nil {
					t.Errorf("reply by %s: %v", library, err)
				} else if want := fmt.Sprintf(`{"from":%q,"sha256":"%x"}`, library, sha256.Sum256(plaintext)); string(reply) != want {
					t.Errorf("reply by %s opens to %s, want %s", library, reply, want)
				}
			}
		})
	}
}

// secrets is what opening v needs. Every test key is known by some name, only one by v's.
func (v interopVector) secrets(t *testing.T) ([]byte, map[string]crypto.Decrypter) {
	t.Helper()
	cek := bytes.Repeat([]byte{0xA5}, 32)
	if v.CEK != "" {
		cek = interopUnB64(t, v.CEK)
	}
	keys := make(map[string]crypto.Decrypter)
	for i, size := range interopKeySizes {
		kid := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		if size == v.Key {
			kid = v.KID
		}
		keys[kid] = recordedKey(size)
	}
	return cek, keys
}

func sealInterop(t *testing.T, name, size string, plaintext []byte) (m interopMessage, cek string) {
	t.Helper()
	compact, contentKey, _, err := usersecurity.SealBytes(&recordedKey(size).PublicKey, plaintext)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return interopMessage{Name: name, Key: size, Compact: string(compact), Plaintext: interopB64(plaintext)}, interopB64(contentKey)
}

// interopNode returns a function that runs a script of interopDir, or skips the test.
func interopNode(t *testing.T) runNode {
	t.Helper()
	unavailable := t.Skipf
	if mode := os.Getenv(interopEnv); mode == "require" || mode == "record" {
		unavailable = t.Fatalf
	}
	path, err := exec.LookPath("node")
	if err != nil {
		unavailable("no node on the PATH: %v", err)
	}
	for _, library := range interopLibraries {
		if _, err := os.Stat(filepath.Join(interopDir, "node_modules", library, "package.json")); err != nil {
			unavailable("%s is not installed; run: npm ci --prefix %s", library, interopDir)
		}
	}
	return func(t *testing.T, script string, args ...string) (string, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, path, append([]string{filepath.Join(interopDir, script)}, args...)...)
		cmd.WaitDelay = 5 * time.Second
		output, err := cmd.CombinedOutput()
		return string(output), err
	}
}

// readInteropVectors reads dir's vectors.json, which must have replies of every kind by every library.
func readInteropVectors(t *testing.T, dir string) []interopVector {
	t.Helper()
	var file struct {
		Vectors []interopVector `json:"vectors"`
	}
	readInteropJSON(t, filepath.Join(dir, "vectors.json"), &file)
	kinds := make(map[string]int)
	for _, v := range file.Vectors {
		if (v.CEK == "") == (v.Key == "") {
			t.Fatalf("%s, %s: wants either a content key or an RSA key", v.Library, v.Name)
		}
		kinds[v.Library+" "+v.Key]++
	}
	for _, library := range interopLibraries {
		for _, key := range append([]string{""}, interopKeySizes...) {
			if kinds[library+" "+key] < 4 {
				t.Fatalf("only %d vectors by %s with key %q", kinds[library+" "+key], library, key)
			}
		}
	}
	return file.Vectors
}

type interopMessages struct {
	Messages []interopMessage `json:"messages"`
}

func readInteropMessages(t *testing.T, path string) []interopMessage {
	t.Helper()
	var file interopMessages
	readInteropJSON(t, path, &file)
	if len(file.Messages) == 0 {
		t.Fatalf("%s has no messages", path)
	}
	return file.Messages
}

func writeInteropMessages(t *testing.T, messages []interopMessage) (path string) {
	t.Helper()
	b, err := json.Marshal(interopMessages{messages})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "messages.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readInteropJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// interopAlter returns compact with its i-th segment decoded, altered and encoded again.
func interopAlter(t *testing.T, compact string, i int, alter func([]byte) []byte) string {
	t.Helper()
	segments := strings.Split(compact, ".")
	segments[i] = interopB64(alter(interopUnB64(t, segments[i])))
	return strings.Join(segments, ".")
}

func interopB64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func interopUnB64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		t.Fatalf("%q is not base64url: %v", s, err)
	}
	return b
}
