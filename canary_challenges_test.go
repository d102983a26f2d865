package usersecurity_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
)

// markedToken is what Wise says of the marked token.
func markedToken(challenges string) string {
	return `{"oneTimeToken":"` + canaryOneTime + `","challenges":` + challenges + `,"validity":60,"actionType":"TRANSFER__FUND","userId":7}`
}

// What is read of a one-time token shows no token, in whatever it is put.
func TestCanaryInOneTimeTokens(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	for _, r := range contract {
		state, ok := r.want.(tokenShown)
		if !ok {
			continue
		}
		wise := play(t, answers(200, markedToken(`[{"primaryChallenge":{"type":"PIN"}}]`)))
		got, err := r.do(t.Context(), canaryClient(t, caught, append(complete(), usersecurity.WithBaseURL(testHost), onWire(wise))...), marked)
		if err != nil || len(state.Challenges) == 0 {
			t.Fatal(err)
		}
		read := got.(*usersecurity.OneTimeTokenState)
		if read.Token.Reveal() != canaryOneTime {
			t.Errorf("%s: the token is another", r.op)
		}
		caught.print(read)
		caught.print(*read)
		caught.reach(read)
	}
	caught.print(usersecurity.Challenge{Kind: aPin})
	caught.print(usersecurity.ChallengeRequest{Profile: marked.of(), Kind: aPin})
	caught.search(t)
}

func onWire(transport http.RoundTripper) usersecurity.Option {
	return usersecurity.WithHTTPClient(&http.Client{Transport: transport})
}

// Clearings and the transport, with each of their calls answered in each
// talkative way, and lost.
func TestCanaryInClearings(t *testing.T) {
	t.Parallel()
	caught := &catch{}
	challenges := markedToken(`[{"primaryChallenge":{"type":"canary kind"},"required":false},{"primaryChallenge":{"type":"PIN"}},{"primaryChallenge":{"type":"SMS"}}]`)
	well := []step{
		answers(200, challenges), answers(200, challenges), answers(200, strings.Replace(challenges, `"PIN"}`, `"PIN"},"passed":true`, 1)),
		sent, answers(200, challenges), answers(200, markedToken("[]")),
	}
	by := usersecurity.Challenger{Pin: answer(&customer{}, marked.pin), OTP: answer(&customer{}, marked.code)}
	bad := []step{fails(errors.New("dial " + canaryOneTime + canaryCode)), answers(200, markedToken(`[{"primaryChallenge":{"type":"canary kind"}}]`))}
	for _, status := range []int{200, 400, 403, 404, 410, 500} {
		for _, body := range []string{"", `{"errors":[{"code":"canary code","message":"` + canaryOneTime + `"}]}`, `{"message":"` + canaryCode + `"}`, "<html>" + canaryOneTime} {
			bad = append(bad, talkative(status, body))
		}
	}
	for n := range len(well) + 1 {
		for _, s := range bad {
			steps := append(slices.Clone(well[:n]), s)
			clears := func() *usersecurity.Client {
				return canaryClient(t, caught, append(complete(), usersecurity.WithBaseURL(testHost), onWire(play(t, steps...)))...)
			}
			err := clears().ClearChallenges(t.Context(), marked.of(), marked.oneTime, by)
			if n == len(well) && err != nil {
				t.Fatal(err)
			}
			if err != nil {
				caught.print(err)
			}
			base := &partner{answers: []step{answers(403, canaryOneTime, "X-2fa-Approval", canaryOneTime+" PIN"), answers(200, "")}}
			through := &http.Client{Transport: clears().ChallengeTransport(base, by)}
			caught.print(through)
			resp, err := through.Do(funding(usersecurity.ContextWithProfile(t.Context(), marked.of()), strings.NewReader("b")))
			if err != nil {
				caught.print(err)
			} else {
				_ = resp.Body.Close()
			}
		}
	}
	caught.search(t)
}

// Encoders write the mask of the new secrets too.
func TestCanaryInEncoders(t *testing.T) {
	t.Parallel()
	v := struct {
		Code  usersecurity.OTP
		Token *usersecurity.OneTimeToken
	}{marked.code, &marked.oneTime}
	if got := must(json.Marshal(v)); string(got) != `{"Code":"****","Token":"****"}` {
		t.Errorf("as JSON: %s", got)
	}
	type named struct {
		XMLName xml.Name `xml:"v"`
		Code    usersecurity.OTP
	}
	if got := must(xml.Marshal(named{Code: marked.code})); string(got) != `<v><Code>****</Code></v>` {
		t.Errorf("as XML: %s", got)
	}
}
