package usersecurity_test

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/wise-partner/usersecurity"
)

// What can be seen of one request, and what the contract says that it is worth.
// Nothing here is taken from the package: it is the second opinion.

// effect is what may have become of a request at Wise.
type effect int

const (
	nothing     effect = iota // nothing, and nothing will
	anything                  // nothing, or it was carried out, or it will be at some time
	over                      // nothing, or it was carried out: Wise's own 500
	carriedOut                // it was carried out
	asThingsAre               // Wise has refused it because of what the user has or hasn't
)

// pace is what follows a request.
type pace int

const (
	ends       pace = iota // the call is over
	repeats                // the same again
	byClass                // as the operation allows
	renews                 // the same again with another token, once in a call
	turns                  // the same again with the other method, once in a call
	seals                  // the same again for Wise's other key, three times in a call
	readsAgain             // reads repeat, writes end
)

// depth is how long the sequences are in which an event is tried, of those that
// an ordinary run of the test has time for.
type depth int

const (
	inTwo   depth = iota // attempts
	inThree              // of a call without looks
	inFour               // of a call without looks
	always
)

// word is what a response says in Wise's own words of what the user has or hasn't.
type word int

const (
	noWord word = iota
	isThere
	isGone
	isTaken
	itsOwn // of these the one that the operation's manner has
)

// event is what the client sees of one request.
type event struct {
	name   string
	effect effect
	pace   pace
	says   word
	try    depth
	// response brings it about; nil is the operation's documented success.
	response step
	refusal  bool // the response is the operation's documented refusal, in Wise's own words
	// when says which operations it is for; nil for all.
	when    func(p *plan) bool
	useless bool // a success with nothing to read in it
	breaks  bool // the documented success, of which half arrives
	givesUp bool // the caller does, meanwhile
	beneath bool // the transport has made another attempt before, and lost it
	token   source
	key     source
}

// source is what a source of tokens or keys says when it is asked for another.
type source int

const (
	same source = iota
	another
	gone
)

const (
	page        = "<html><body>blocked</body></html>"
	springError = `{"timestamp":"2026-01-02T03:04:05Z","status":%d,"error":"An error","message":"no","path":"/v1"}`
	ownErrors   = `{"errors":[{"code":"%s","message":"no"}]}`
	aTrace      = "8f3a5c2e9b7d4f10"
)

// ownWord is a response of Wise's with an error body of its own.
func ownWord(status int, code string) step {
	return answers(status, fmt.Sprintf(ownErrors, code), "X-Trace-Id", aTrace, "Content-Type", "application/json")
}

// spring is one of a layer before the API.
func spring(status int) step {
	return answers(status, fmt.Sprintf(springError, status), "Content-Type", "application/json")
}

// html is one of somebody else's.
func html(status int) step { return answers(status, page, "Content-Type", "text/html") }

func hasReply(p *plan) bool { return p.row.reply != "" }
func isWrite(p *plan) bool  { return p.manner != reading }
func isSealed(p *plan) bool { return p.sealed }

func registers(p *plan) bool { return p.manner == registering }

// hasCode says that a code is documented with the refusal; of numbers there is one.
func hasCode(p *plan) bool {
	status, _ := p.row.refusal()
	return refusals[p.manner] != noWord && !registers(p) && p.row.codes[status] != ""
}

// refusal is the one that is documented, as Wise words it.
func (p *plan) refusal() step {
	status, _ := p.row.refusal()
	return ownWord(status, p.row.codes[status])
}

func is(op usersecurity.Operation) func(*plan) bool {
	return func(p *plan) bool { return p.row.op == op }
}

// events are all that an attempt can bring, row by row of the contract.
var events = []*event{
	// Nothing was sent.
	{name: "dial fails", effect: nothing, pace: repeats, try: inFour, response: refused},
	{name: "certificate unknown", effect: nothing, pace: ends, response: fails(x509.UnknownAuthorityError{})},

	// It was, and no response came.
	{name: "reset", effect: anything, pace: byClass, try: always, response: lost},
	{name: "times out", effect: anything, pace: byClass, try: inTwo, response: hangs},
	{name: "given up", effect: anything, pace: ends, try: inFour, response: hangs, givesUp: true},

	// No API's status.
	{name: "000", effect: anything, pace: ends, try: inFour, response: html(0)},
	{name: "101", effect: anything, pace: ends, response: answers(101, "")},
	{name: "999", effect: anything, pace: ends, response: html(999)},

	// Not looked at.
	{name: "429", effect: nothing, pace: repeats, try: always, response: answers(429, "")},
	{name: "429 for 1 s", effect: nothing, pace: repeats, response: answers(429, "", "Retry-After", "1")},
	{name: "429 for an hour", effect: nothing, pace: ends, try: inFour, response: answers(429, "", "Retry-After", "3600")},
	{name: "429 html", effect: nothing, pace: repeats, response: html(429)},
	{name: "425", effect: nothing, pace: repeats, response: answers(425, "")},

	// It may have been done.
	{name: "408", effect: anything, pace: byClass, response: answers(408, "")},
	{name: "500 own", effect: over, pace: byClass, try: always, response: ownWord(500, "internal"), when: func(p *plan) bool { return !p.sealed && !p.relayed }},
	{name: "500 empty", effect: over, pace: byClass, response: answers(500, ""), when: func(p *plan) bool { return !p.sealed && !p.relayed }},
	{name: "500 of JOSE", effect: anything, pace: byClass, try: inThree, response: answers(500, `{"message":"An unexpected error occurred","request_id":"1"}`), when: func(p *plan) bool { return !p.sealed && !p.relayed }},
	{name: "500 html", effect: anything, pace: byClass, response: html(500), when: func(p *plan) bool { return !p.relayed }},
	{name: "502 html", effect: anything, pace: byClass, try: inFour, response: html(502)},
	{name: "502 empty", effect: anything, pace: byClass, response: answers(502, "")},
	{name: "503 for 1 s", effect: anything, pace: byClass, response: answers(503, "", "Retry-After", "1")},
	{name: "503 own", effect: anything, pace: byClass, response: ownWord(503, "unavailable")},
	{name: "504 html", effect: anything, pace: byClass, response: html(504)},
	{name: "520 html", effect: anything, pace: byClass, response: html(520)},
	{name: "530 text", effect: anything, pace: byClass, response: answers(530, "error code: 1033")},
	{name: "598", effect: anything, pace: byClass, response: answers(598, "")},
	{name: "599", effect: anything, pace: byClass, response: answers(599, "")},

	// A 500 to a sealed body asks for the key.
	{name: "500, another key", effect: over, pace: seals, response: ownWord(500, "internal"), key: another, when: isSealed, try: inThree},
	{name: "500, same key", effect: over, pace: byClass, response: answers(500, ""), when: isSealed, try: inFour},
	{name: "500, no key", effect: over, pace: byClass, response: answers(500, ""), key: gone, when: isSealed},
	{name: "500 of JOSE, another key", effect: anything, pace: seals, response: answers(500, `{"message":"An unexpected error occurred","request_id":"1"}`), key: another, when: isSealed},
	{name: "500, relayed", effect: over, pace: ends, response: answers(500, ""), when: func(p *plan) bool { return p.relayed }, try: always},
	{name: "500 html, relayed", effect: anything, pace: ends, response: html(500), when: func(p *plan) bool { return p.relayed }},

	// It wasn't.
	{name: "501", effect: nothing, pace: ends, try: inFour, response: html(501)},
	{name: "505", effect: nothing, pace: ends, response: answers(505, "")},

	// It may have been, and a repeat is no use.
	{name: "444", effect: anything, pace: ends, response: answers(444, "")},
	{name: "460", effect: anything, pace: ends, response: answers(460, "")},
	{name: "499", effect: anything, pace: ends, try: always, response: html(499)},
	{name: "507", effect: anything, pace: ends, response: ownWord(507, "storage")},
	{name: "509", effect: anything, pace: ends, try: inFour, response: html(509)},
	{name: "561", effect: anything, pace: ends, response: answers(561, "")},

	// Retired.
	{name: "410 own", effect: nothing, pace: ends, try: inFour, response: ownWord(410, "gone")},
	{name: "410 html", effect: nothing, pace: ends, response: html(410)},

	// Success that isn't Wise's, and an error that calls itself one.
	{name: "200 html", effect: anything, pace: byClass, try: always, response: html(200)},
	{name: "200 html cut", effect: anything, pace: byClass, response: breaksOff(page)},
	{name: "202 html", effect: anything, pace: byClass, response: html(202)},
	{name: "201 text", effect: anything, pace: byClass, response: answers(201, "ok")},
	{name: "200 error", effect: anything, pace: byClass, try: inFour, response: ownWord(200, "not.allowed")},
	{name: "201 error of Spring", effect: anything, pace: byClass, response: answers(201, fmt.Sprintf(springError, 403))},

	// Success.
	{name: "success", effect: carriedOut, pace: ends, try: always},
	{name: "200 empty", effect: carriedOut, pace: ends, response: answers(200, ""), useless: true},
	{name: "201 other JSON", effect: carriedOut, pace: ends, try: always, response: answers(201, `{"other":"thing"}`), useless: true},
	{name: "204 empty", effect: carriedOut, pace: ends, response: answers(204, ""), useless: true},
	{name: "success cut", effect: carriedOut, pace: readsAgain, try: always, when: hasReply, breaks: true, useless: true},
	{name: "202 JSON", effect: anything, pace: ends, try: inFour, response: answers(202, `{"other":"thing"}`)},
	{name: "203 empty", effect: anything, pace: ends, response: answers(203, "")},

	// Refusals, in Wise's words and in others'.
	{name: "302 html", effect: nothing, pace: ends, response: answers(302, page, "Location", "https://elsewhere.example/")},
	{name: "400 own", effect: nothing, pace: ends, try: always, response: ownWord(400, "not.valid")},
	{name: "400 empty", effect: nothing, pace: ends, response: answers(400, "")},
	{name: "400 html", effect: nothing, pace: ends, response: html(400)},
	{name: "403 own", effect: nothing, pace: ends, try: inFour, response: ownWord(403, "forbidden")},
	{name: "403 html", effect: nothing, pace: ends, try: inFour, response: html(403)},
	{name: "refusal with its code", effect: nothing, pace: ends, says: itsOwn, try: inFour, refusal: true, when: hasCode},
	{name: "404 own", effect: nothing, pace: ends, says: isGone, try: inFour, response: ownWord(404, "not.found")},
	{name: "404 empty, with a trace", effect: nothing, pace: ends, says: isGone, response: answers(404, "", "X-Trace-Id", aTrace)},
	{name: "404 empty", effect: nothing, pace: ends, try: inFour, response: answers(404, "")},
	{name: "404 html", effect: nothing, pace: ends, try: inFour, response: html(404)},
	{name: "404 text, with a trace", effect: nothing, pace: ends, response: answers(404, "default backend - 404", "X-Trace-Id", aTrace)},
	{name: "404 of Spring", effect: nothing, pace: ends, response: spring(404)},
	{name: "404 {}", effect: nothing, pace: ends, response: answers(404, "{}", "X-Trace-Id", aTrace)},
	{name: "405 own", effect: nothing, pace: turns, response: ownWord(405, "method"), when: is(usersecurity.OpListDeviceFingerprints), try: inThree},
	{name: "405 own", effect: nothing, pace: ends, response: ownWord(405, "method"), when: isWrite},
	{name: "405 html", effect: nothing, pace: ends, response: html(405)},
	{name: "409 empty", effect: nothing, pace: ends, says: isThere, try: always, response: answers(409, "", "X-Trace-Id", aTrace)},
	{name: "409 own", effect: nothing, pace: ends, says: isThere, response: ownWord(409, "exists")},
	{name: "409 of Spring", effect: nothing, pace: ends, says: isThere, response: spring(409)},
	{name: "409 text", effect: nothing, pace: ends, try: inFour, response: answers(409, "error code: 1001")},
	{name: "422 repeated", effect: nothing, pace: ends, says: isTaken, try: always, response: ownWord(422, "phone.number.repeated"), when: func(p *plan) bool { return !registers(p) }},
	{name: "number in use", effect: nothing, pace: ends, says: isTaken, try: always, refusal: true, when: registers},
	{name: "422 own", effect: nothing, pace: ends, response: ownWord(422, "not.valid")},
	{name: "422 html", effect: nothing, pace: ends, response: html(422)},
	{name: "401, another token", effect: nothing, pace: renews, try: inThree, response: ownWord(401, "invalid_token"), token: another},
	{name: "401, same token", effect: nothing, pace: ends, try: inFour, response: answers(401, ""), token: same},
	{name: "401, no token", effect: nothing, pace: ends, try: always, response: answers(401, `{"error":"invalid_token"}`), token: gone},
	{name: "401 html", effect: nothing, pace: ends, response: html(401)},

	// A transport that repeats by itself, and doesn't say why.
	{name: "success, repeated beneath", effect: carriedOut, pace: ends, beneath: true, when: isWrite},
	{name: "400 own, repeated beneath", effect: nothing, pace: ends, beneath: true, response: ownWord(400, "not.valid"), when: isWrite},
	{name: "404 own, repeated beneath", effect: nothing, pace: ends, says: isGone, beneath: true, response: ownWord(404, "not.found"), when: isWrite},
	{name: "409 empty, repeated beneath", effect: nothing, pace: ends, says: isThere, beneath: true, response: answers(409, ""), when: isWrite},
	{name: "422 repeated, repeated beneath", effect: nothing, pace: ends, says: isTaken, beneath: true, response: ownWord(422, "phone.number.repeated"), when: func(p *plan) bool { return isWrite(p) && !registers(p) }},
	{name: "number in use, repeated beneath", effect: nothing, pace: ends, says: isTaken, beneath: true, refusal: true, when: registers},
	{name: "401, another token, repeated beneath", effect: nothing, pace: renews, beneath: true, response: ownWord(401, "invalid_token"), token: another, when: registers},
	{name: "429, repeated beneath", effect: nothing, pace: repeats, beneath: true, response: answers(429, ""), when: isWrite},
	{name: "502 html, repeated beneath", effect: anything, pace: byClass, beneath: true, response: html(502), when: isWrite},
}

// The views that a list of phone numbers gives of a write.
var (
	looksThere   = &event{name: "look: there", try: always}
	looksNone    = &event{name: "look: not there", try: always, response: answers(200, "[]")}
	looksMaybe   = &event{name: "look: may be there", try: always}
	looksRefused = &event{name: "look: 403", try: always, response: ownWord(403, "forbidden")}
	looksLost    = &event{name: "look: reset", response: lost}
	looksForeign = &event{name: "look: 200 html", response: html(200)}

	looks = []*event{looksThere, looksNone, looksMaybe, looksRefused, looksLost, looksForeign}
)

func isLook(e *event) bool { return slices.Contains(looks, e) }

// alike is a list in which something like the number stands: it itself under
// another id than the one that was to be changed, or in another form.
func alike(p *plan) step {
	list := `[{"id":78,"phoneNumber":"0065 8888 8888","type":"PRIMARY","verified":true,"clientId":"acme"}]`
	if p.changes() {
		list = "[" + strings.Replace(numberReply, `"id":77`, `"id":78`, 1) + "]"
	}
	return answers(http.StatusOK, list)
}
