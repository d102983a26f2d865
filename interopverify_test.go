package usersecurity_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// Verifies whose requests are opened, and whose replies are sealed, by JOSE
// libraries of another language; and the same replies unsealed. Both forms of the
// one-time token are read.
func TestInteropVerify(t *testing.T) {
	node := interopNode(t)
	const bare = `{"oneTimeToken":"5a0d7f7e-4f56-4c2a-8a4f-2f8f3d3f0d10","challenges":[{"primaryChallenge":{"type":"PIN"},"passed":true},{"primaryChallenge":{"type":"SMS"},"passed":false}],"validity":3540}`
	for form, answer := range map[string]string{"bare": bare, "wrapped": `{"oneTimeTokenProperties":` + bare + `}`} {
		for _, r := range rowsOf(aOnce) {
			if !r.sealed {
				continue
			}
			for _, library := range append(interopLibraries, "unsealed") {
				t.Run(form+"/"+string(r.op)+"/"+library, func(t *testing.T) {
					wise := play(t, func(req *http.Request, body string) (*http.Response, error) {
						if library == "unsealed" {
							return answers(200, answer, "Content-Type", "application/json")(req, body)
						}
						return answers(200, answeredBy(t, node, library, body, r.body, answer), "Content-Type", "application/jose+json")(req, body)
					})
					key := usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(&recordedKey("2048").PublicKey)))
					got, err := r.call(t.Context(), newClient(t, wise, key))
					if err != nil {
						t.Fatal(err)
					}
					state, ok := got.(*usersecurity.OneTimeTokenState)
					if !ok || !strings.Contains(bare, state.Token.Reveal()) || len(state.Challenges) != 2 || state.Ready() ||
						!state.Challenges[0].Passed || state.Challenges[1].Kind != usersecurity.ChallengeSMS || !state.Challenges[1].Required {
						t.Errorf("the state is %+v", got)
					}
				})
			}
		}
	}
}

// answeredBy has a library open a request, and seal the answer with its content
// key.
func answeredBy(t *testing.T, node runNode, library, request, plaintext, answer string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "answered.json")
	message := interopMessage{Name: library, Key: "2048", Compact: request, Plaintext: interopB64([]byte(plaintext)), Answer: interopB64([]byte(answer))}
	if output, err := node(t, "check.mjs", writeInteropMessages(t, []interopMessage{message}), out); err != nil {
		t.Fatalf("check.mjs: %v\n%s", err, output)
	}
	return readInteropMessages(t, out)[0].Libraries[library].Reply
}
