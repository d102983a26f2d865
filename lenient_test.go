package usersecurity_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crypto/rsa"
	"crypto/x509"

	"github.com/wise-partner/usersecurity"
)

// Replies that differ from what is documented, and cost nothing of what can be
// read.
var deviations = []struct {
	name  string
	op    usersecurity.Operation
	reply string
	want  any
}{
	{"an offset without a colon", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06T09:08:09.123456789+0200"), &device},
	{"an offset with one", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06T09:08:09.123456789+02:00"), &device},
	{"a space for the T", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06 07:08:09.123456789Z"), &device},
	{"a space before the zone, too", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06 07:08:09.123456789 +0000"), &device},
	{"no zone", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06T07:08:09.123456789"), &device},
	{"no zone, and a space", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06 07:08:09.123456789"), &device},
	{"a time that is none", usersecurity.OpCreateDeviceFingerprint, deviceAt("yesterday"), &usersecurity.DeviceFingerprint{ID: deviceID}},
	{"a time without a day", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05"), &usersecurity.DeviceFingerprint{ID: deviceID}},
	{"a number for a time", usersecurity.OpCreateDeviceFingerprint, strings.Replace(deviceReply, `"2024-05-06T07:08:09.123456789Z"`, "1714979289", 1), &usersecurity.DeviceFingerprint{ID: deviceID}},
	{"no time", usersecurity.OpCreateDeviceFingerprint, `{"deviceFingerprintId":"` + deviceID.String() + `"}`, &usersecurity.DeviceFingerprint{ID: deviceID}},
	{"a byte order mark", usersecurity.OpCreateDeviceFingerprint, "\xef\xbb\xbf" + deviceReply, &device},
	{"one behind white space", usersecurity.OpCreateDeviceFingerprint, "\r\n \xef\xbb\xbf " + deviceReply, &device},
	{"a time in small letters", usersecurity.OpCreateDeviceFingerprint, deviceAt("2024-05-06t07:08:09.123456789z"), &device},
	{"white space around", usersecurity.OpCreateDeviceFingerprint, "\r\n " + deviceReply + "\r\n", &device},
	{"an id in capitals", usersecurity.OpCreateDeviceFingerprint, strings.Replace(deviceReply, deviceID.String(), strings.ToUpper(deviceID.String()), 1), &device},
	{"another name beside the id's", usersecurity.OpCreateDeviceFingerprint, strings.Replace(deviceReply, "{", `{"DeviceFingerprintID":"x","DEVICEFINGERPRINTID":12,`, 1), &device},
	{"another name behind the id's", usersecurity.OpCreateDeviceFingerprint, strings.Replace(deviceReply, "}", `,"DeviceFingerprintId":"`+idEndingWith(9).String()+`"}`, 1), &device},

	{"a number for the client", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `"acme"`, "1234567890123456789", 1), numberWith(func(n *usersecurity.PhoneNumber) { n.ClientID = "1234567890123456789" })},
	{"an object for the client", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `"acme"`, `{"id":1}`, 1), numberWith(func(n *usersecurity.PhoneNumber) { n.ClientID = "" })},
	{"null for the client", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `"acme"`, "null", 1), numberWith(func(n *usersecurity.PhoneNumber) { n.ClientID = "" })},
	{"a list for the kind", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `"PRIMARY"`, "[1]", 1), numberWith(func(n *usersecurity.PhoneNumber) { n.Type = "" })},
	{"another kind", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "PRIMARY", "SECONDARY", 1), numberWith(func(n *usersecurity.PhoneNumber) { n.Type = "SECONDARY" })},
	{"a text for true", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "true", `"true"`, 1), &number},
	{"a number for true", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "true", "1", 1), numberWith(func(n *usersecurity.PhoneNumber) { n.Verified = false })},
	{"an id in capitals beside the id", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "{", `{"ID":"internal","Id":5,`, 1), &number},
	{"one that is written with an escape", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "}", `,"\u0049D":5}`, 1), &number},
	{"one before a space", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "}", ",\"ID\" \t\r\n:5}", 1), &number},
	{"one behind the id", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, "}", `,"ID":5}`, 1), &number},
	{
		"a large id beside another name", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `{"id":77`, `{"ID":5,"id":9007199254740993`, 1),
		numberWith(func(n *usersecurity.PhoneNumber) { n.ID = 9007199254740993 }),
	},
	{"an escaped name", usersecurity.OpCreatePhoneNumber, strings.Replace(numberReply, `"id"`, `"\u0069d"`, 1), &number},
	{"numbers, null", usersecurity.OpListPhoneNumbers, "null", []usersecurity.PhoneNumber{}},
	{"numbers, null in white space", usersecurity.OpListPhoneNumbers, "\xef\xbb\xbf null\n", []usersecurity.PhoneNumber{}},
	{"numbers, other names", usersecurity.OpListPhoneNumbers, "[" + strings.Replace(numberReply, "{", `{"ID":null,`, 1) + "]", []usersecurity.PhoneNumber{number}},
	{"devices, null", usersecurity.OpListDeviceFingerprints, "null", []usersecurity.DeviceFingerprint{}},
	{"devices, none", usersecurity.OpListDeviceFingerprints, "[]", []usersecurity.DeviceFingerprint{}},
}

func deviceAt(time string) string {
	return `{"deviceFingerprintId":"` + deviceID.String() + `","createdAt":"` + time + `"}`
}

func numberWith(change func(*usersecurity.PhoneNumber)) *usersecurity.PhoneNumber {
	changed := number
	change(&changed)
	return &changed
}

func TestDeviations(t *testing.T) {
	t.Parallel()
	for _, test := range deviations {
		t.Run(string(test.op)+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			r := rowOf(test.op)
			forms := map[string]step{"unencrypted": answers(r.success, test.reply), "as text": answers(r.success, test.reply, "Content-Type", "text/plain")}
			if r.sealed {
				forms["sealed"] = sealsDirect(r.success, test.reply)
				forms["sealed, in white space"] = func(req *http.Request, body string) (*http.Response, error) {
					return answers(r.success, "\r\n"+sealDirect(body, test.reply)+"\n", "Content-Type", "application/jose+json")(req, body)
				}
			}
			for form, answer := range forms {
				got, err := r.call(t.Context(), newClient(t, play(t, answer)))
				if err != nil || !reflect.DeepEqual(got, test.want) {
					t.Errorf("%s: %v, %v; want %v", form, got, err, test.want)
				}
			}
		})
	}
}

// What the id itself is wrong in is no reply, however it is written.
func TestWrongIDs(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		strings.Replace(numberReply, `"id"`, `"ID"`, 1), strings.Replace(numberReply, "77", `"77"`, 1), strings.Replace(numberReply, "77", "7.5", 1),
		strings.Replace(numberReply, "77", "-77", 1), strings.Replace(numberReply, "77", "0", 1), strings.Replace(numberReply, "77", "null", 1),
		strings.Replace(numberReply, "77", "99999999999999999999", 1),
	} {
		_, err := newClient(t, play(t, answers(200, reply))).CreatePhoneNumber(t.Context(), 1001, usual.number)
		checkMatches(t, reply, err, usersecurity.ErrMalformedReply)
		if usersecurity.OutcomeOf(err) != usersecurity.OutcomeDone {
			t.Errorf("%s: the outcome is %s", reply, usersecurity.OutcomeOf(err))
		}
	}
}

// What follows a reply makes it somebody else's, however its names are written.
func TestRepliesWithMoreBehind(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"[" + numberReply + "]", "[" + strings.Replace(numberReply, "{", `{"ID":5,`, 1) + "]", "[" + strings.Replace(numberReply, "acme", `acm\u0065`, 1) + "]"} {
		for _, more := range []string{"<html>", "[]", "{", "1"} {
			_, err := newClient(t, play(t, answers(200, list+more)), briefWaits).ListPhoneNumbers(t.Context(), 1001)
			checkMatches(t, list+more, err, usersecurity.ErrUnexpectedReply)
		}
	}
}

// Token replies, and how long their tokens are kept.
func TestTokenReplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reply, contentType string
		lives              time.Duration // at least so long, and less than a tenth more; 0 for no token, -1 for one without an end
	}{
		{`{"access_token":"issued","token_type":"bearer","expires_in":43199}`, "application/json", 43199 * time.Second},
		{`{"access_token":"issued","token_type":"bearer","expires_in":43199}`, "text/plain", 43199 * time.Second},
		{`{"access_token":"issued","token_type":"bearer","expires_in":43199}`, "", 43199 * time.Second},
		{`{"access_token":"issued","token_type":"Bearer","expires_in":43199.0}`, "", 43199 * time.Second},
		{`{"access_token":"issued","token_type":"BEARER","expires_in":4.3199e4}`, "", 43199 * time.Second},
		{`{"access_token":"issued","token_type":"bearer","expires_in":"43199"}`, "", 43199 * time.Second},
		{"\xef\xbb\xbf" + `{"access_token":"issued","expires_in":43199}`, "", 43199 * time.Second},
		{`{"Access_Token":"wrong","access_token":"issued","ACCESS_TOKEN":"wrong","expires_in":43199}`, "", 43199 * time.Second},
		{`{"access_token":"issued","expires_in":43199,"acceſs_token":"wrong","access_toKen":"wrong"}`, "", 43199 * time.Second}, // what encoding/json takes for an s and a k
		{`{"access_token":"issued"}`, "", -1},
		{`{"access_token":"issued","expires_in":null}`, "", -1},
		{`{"access_token":"issued","expires_in":"soon"}`, "", -1},
		{`{"access_token":"issued","expires_in":1e300}`, "", -1},
		{`{"access_token":"issued","token_type":"mac","expires_in":43199}`, "", 0},
		{`{"access_token":"issued","token_type":"DPoP","expires_in":43199}`, "", 0},
		{`{"access_token":"is\nsued","expires_in":43199}`, "", 0},
		{`{"access_token":12,"expires_in":43199}`, "", 0},
		{`{"access_token":"","expires_in":43199}`, "", 0},
	} {
		scripted(t, test.reply, func(t *testing.T) {
			wise := &brokenWise{
				token: endpoint{answer: answers(200, test.reply, "Content-Type", test.contentType)},
				api: endpoint{answer: func(r *http.Request, body string) (*http.Response, error) {
					if got := r.Header.Get("Authorization"); got != "Bearer issued" {
						t.Errorf("sent with %q", got)
					}
					return answers(200, "[]")(r, body)
				}},
			}
			client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
			list := func() error { _, err := client.ListPhoneNumbers(t.Context(), 1001); return err }
			if test.lives == 0 {
				checkMatches(t, "the error", list(), usersecurity.ErrNoToken)
				return
			}
			after := func(wait time.Duration, issued int64) {
				t.Helper()
				time.Sleep(wait)
				if err := list(); err != nil || wise.token.count.Load() != issued {
					t.Errorf("after %s: %d tokens, %v", wait, wise.token.count.Load(), err)
				}
			}
			after(0, 1)
			if test.lives < 0 {
				after(30*24*time.Hour, 1)
				return
			}
			after(test.lives-6*time.Minute, 1) // renewed in the last five minutes
			after(6*time.Minute, 2)
		})
	}
}

// A token of less than a second is one, and not asked for again by every call.
func TestTokenOfAMoment(t *testing.T) {
	t.Parallel()
	scripted(t, "", func(t *testing.T) {
		wise := &brokenWise{token: endpoint{answer: answers(200, `{"access_token":"issued","expires_in":0.3}`)}, api: endpoint{answer: answers(200, "[]")}}
		client := bareClient(t, wise, usersecurity.WithClientCredentials("acme-client", "acme-secret"))
		for range 20 {
			if _, err := client.ListPhoneNumbers(t.Context(), 1001); err != nil {
				t.Fatal(err)
			}
		}
		if n := wise.token.count.Load(); n != 1 {
			t.Errorf("%d tokens", n)
		}
	})
}

// material is key material in the forms that Wise may write it in.
func material(t *testing.T, pub *rsa.PublicKey) map[string]string {
	t.Helper()
	der := must(x509.MarshalPKIXPublicKey(pub))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	broken := base64.StdEncoding.EncodeToString(der)
	return map[string]string{
		"base64":                 base64.StdEncoding.EncodeToString(der),
		"base64, no padding":     base64.RawStdEncoding.EncodeToString(der),
		"base64url":              base64.URLEncoding.EncodeToString(der),
		"base64url, no padding":  base64.RawURLEncoding.EncodeToString(der),
		"base64 in lines":        broken[:76] + "\r\n" + broken[76:] + "\n",
		"PEM":                    text,
		"PEM without a last end": strings.TrimSpace(text),
		"PEM with CRLF":          strings.ReplaceAll(text, "\n", "\r\n"),
	}
}

func TestKeyReplies(t *testing.T) {
	t.Parallel()
	for form, text := range material(t, publicKey()) {
		for version, want := range map[string]int{`3`: 3, `"3"`: 3, `3.0`: 3, `null`: 0, `"new"`: 0, `"NaN"`: 0} {
			body := fmt.Sprintf(`{"version":%s,"keyId":"k-1","scope":"PAYLOAD_ENCRYPTION","keyMaterial":{"algorithm":"RSA_OAEP_256","keyMaterial":%q}}`, version, text)
			key, err := bareClient(t, play(t, answers(200, body)), append(withTokens(), usersecurity.WithJWE())...).WiseKey(t.Context())
			if err != nil || !key.PublicKey.Equal(publicKey()) || key.Version != want || key.ID != "k-1" {
				t.Errorf("%s, version %s: %v, %v", form, version, key, err)
			}
		}
	}
}

// A key that can't be used is refused when it is fetched, quickly, and fetched
// again for the next call.
func TestUnusableKeysAreRefused(t *testing.T) {
	t.Parallel()
	good := publicKey()
	bits := func(n uint) *big.Int { return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), n-1), big.NewInt(1)) }
	for name, bad := range map[string]*rsa.PublicKey{
		"an even modulus":          {N: new(big.Int).Add(good.N, big.NewInt(1)), E: good.E},
		"an exponent above 2^31":   {N: good.N, E: 1<<31 + 1},
		"an exponent of 2^31":      {N: good.N, E: 1 << 31},
		"an even exponent":         {N: good.N, E: 65536},
		"an exponent of 1":         {N: good.N, E: 1},
		"400,000 bits":             {N: bits(400_000), E: good.E},
		"8193 bits":                {N: bits(8193), E: good.E},
		"2047 bits":                {N: bits(2047), E: good.E},
		"a negative modulus":       {N: new(big.Int).Neg(good.N), E: good.E},
		"a modulus that is only 3": {N: big.NewInt(3), E: good.E},
	} {
		scripted(t, name, func(t *testing.T) {
			script := play(t, answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", bad))), answers(200, string(keyAnswer("RSA_OAEP_256", "PAYLOAD_ENCRYPTION", good))), answers(204, ""))
			client := bareClient(t, script, append(withTokens(), usersecurity.WithJWE())...)
			err := client.CreatePin(t.Context(), 1001, usual.pin)
			checkMatches(t, "the error", err, usersecurity.ErrNoKey)
			if script.count() != 1 || usersecurity.OutcomeOf(err) != usersecurity.OutcomeNotDone {
				t.Errorf("%d requests, %v", script.count(), err)
			}
			if err := client.CreatePin(t.Context(), 1001, usual.pin); err != nil || script.count() != 3 {
				t.Errorf("the next call: %d requests, %v", script.count(), err)
			}
			// So it is where a caller hands it over.
			_, err = usersecurity.Seal(&usersecurity.WiseKey{PublicKey: bad}, usual.pin)
			checkMatches(t, "Seal", err, usersecurity.ErrNoKey)
			_, err = usersecurity.New(base, usersecurity.WithJWE(usersecurity.JWEKeys(usersecurity.StaticKey(bad))))
			checkRefused(t, "New", err)
		})
	}
}

// The key that a caller gets is a copy.
func TestWiseKeyIsACopy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wise := &brokenWise{key: endpoint{answer: givesKey()}, api: endpoint{answer: sealsDirect(200, deviceReply)}}
		client := bareClient(t, wise, append(withTokens(), usersecurity.WithJWE())...)
		key := must(client.WiseKey(t.Context()))
		key.PublicKey.N.SetInt64(0)
		key.PublicKey.E, key.PublicKey = 1, nil
		if _, err := client.CreateDeviceFingerprint(t.Context(), 1001, usual.fingerprint); err != nil {
			t.Errorf("the client's own key was changed: %v", err)
		}
	})
}

// A Retry-After that is a date is measured against the clock of whoever sent it.
func TestRetryAfterUnderASkewedClock(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour, 365 * 24 * time.Hour} {
		scripted(t, skew.String(), func(t *testing.T) {
			script := play(t, func(r *http.Request, body string) (*http.Response, error) {
				return answers(429, "", "Date", dateIn(skew), "Retry-After", dateIn(skew+7*time.Second))(r, body)
			}, answers(200, "[]"))
			began := time.Now()
			if _, err := newClient(t, script).ListPhoneNumbers(t.Context(), 1001); err != nil || time.Since(began) < 7*time.Second || time.Since(began) > 8*time.Second {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
		})
	}
}

// A reply sealed to the partner's public key proves nothing, as anybody can seal
// to it.
func TestRequireSealedRepliesMeansDirect(t *testing.T) {
	t.Parallel()
	key := newKey(2048)
	for _, r := range sealedRows() {
		forged := sealReply("RSA-OAEP-256", &key.PublicKey, r.reply, kidHeader(deviceID.String()))
		options := []usersecurity.JWEOption{usersecurity.JWEReplyKey(deviceID, key)}
		_, err := r.call(t.Context(), newClient(t, play(t, answers(200, forged)), sealing(options...)))
		if err != nil && !errors.Is(err, usersecurity.ErrMalformedReply) {
			t.Errorf("%s: %v", r.op, err)
		}
		_, err = r.call(t.Context(), newClient(t, play(t, answers(200, forged)), sealing(append(options, usersecurity.JWERequireSealedReplies())...)))
		checkMatches(t, string(r.op), err, usersecurity.ErrPlaintextReply)
		if usersecurity.OutcomeOf(err) != usersecurity.OutcomeDone || bytes.Contains([]byte(err.Error()), []byte("device")) && r.reply == "" {
			t.Errorf("%s: %v", r.op, err)
		}
	}
}
