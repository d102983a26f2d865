package usersecurity

import (
	"context"
	"crypto"
	"crypto/rsa"
	"log/slog"
	"reflect"
	"time"
)

// What the tests, which stand outside the package, need of its inside.

// SetJitter replaces the drawing of waits.
func SetJitter(c *Client, draw func(bound time.Duration) time.Duration) { c.engine().jitter = draw }

// SealBytes seals what need not be a secret of the package's types. The content
// key is the one that wipe is to forget.
func SealBytes(pub *rsa.PublicKey, plaintext []byte) (compact, contentKey []byte, wipe func(), err error) {
	e, err := seal(pub, plaintext)
	if err != nil {
		return nil, nil, nil, err
	}
	return e.compact, e.cek[:], e.wipe, nil
}

// OpenReply opens a reply with keys that no call holds.
func OpenReply(compact, contentKey []byte, replyKeys map[string]crypto.Decrypter) ([]byte, error) {
	opened, ok := openReply(compact, contentKey, replyKeys)
	if !ok {
		return nil, ErrDecrypt
	}
	return opened, nil
}

// LeftOfCalls says what calls that have ended have left behind.
func LeftOfCalls() string {
	k := calls.Get().(*call)
	defer calls.Put(k)
	v := reflect.ValueOf(k).Elem()
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			return v.Type().Field(i).Name
		}
	}
	return ""
}

// ClassOf is the class that events, logs and metrics have for an error.
func ClassOf(err error) ErrorClass { return classOf(err) }

// CallLevel is at which level a call is logged.
func CallLevel(e CallEvent) slog.Level { return callLevel(e) }

// TokenOfLook is the token that a call of op, made with a token of its own, gives to
// the read that tells whether it is done.
func TokenOfLook(op, read Operation, token string) string {
	var given callOptions
	k := call{op: operations[op], opts: callOptions{token: token}}
	k.request = request{looksBy: read, look: func(_ context.Context, opts []CallOption) sight {
		for _, o := range opts {
			o(&given)
		}
		return cantSee
	}}
	k.look()
	return given.token
}

// RetryTable is retryTable in words: by what an attempt brought, and by the class
// of the operation.
func RetryTable() map[string]map[string]string {
	table := map[string]map[string]string{}
	for kind, cells := range retryTable {
		table[kindWords[kind]] = map[string]string{}
		for class, cell := range cells {
			table[kindWords[kind]][classWords[class]] = stepWords[cell]
		}
	}
	return table
}

// The words, in the order of the rows and columns.
var (
	kindWords  = [kinds]string{"unsent", "throttled", "unanswered", "correctable", "brokenReply", "answered"}
	classWords = [classes]string{"reads", "deletes", "set once", "numbers", "once"}
	stepWords  = map[step]string{stop: "stop", repeat: "repeat", look: "look", correct: "correct"}
)

// RetryRows and RetryColumns are the names of rows and columns.
func RetryRows() []string    { return kindWords[:] }
func RetryColumns() []string { return classWords[:] }

// KindOfStatus is the row of a response that has a status and no body.
func KindOfStatus(status int) string {
	r := result{responded: true, status: status, refusal: NewAPIError("", status, nil, nil)}
	return kindWords[r.kind()]
}

// Fact is what the row of an operation says, for whoever checks what is written
// about it.
type Fact struct {
	Name             Operation
	Methods          []string
	Legacy, Calendar string // paths; Calendar is empty for what has ended
	Instead          string
	Token            string // whose
	Grant            bool
	Sealed           bool
	Class            string
	Answers          []FactAnswer
}

// FactAnswer is a documented response other than success.
type FactAnswer struct {
	Status   int
	Code     string
	Sentinel error
}

// Facts are the rows, in their order.
func Facts() (facts []Fact) {
	tokens := map[tokenKind]string{userToken: "user", applicationToken: "application", ownAuthorization: "client id and secret"}
	for i := range rows {
		r := &rows[i]
		f := Fact{
			Name: r.name, Methods: []string{r.method}, Legacy: r.legacy, Calendar: r.calendar, Instead: r.instead,
			Token: tokens[r.token], Grant: r.grant, Sealed: r.sealed, Class: classWords[r.class],
		}
		if r.orMethod != "" {
			f.Methods = append(f.Methods, r.orMethod)
		}
		for _, a := range r.answers {
			f.Answers = append(f.Answers, FactAnswer{a.status, a.code, a.sentinel})
		}
		facts = append(facts, f)
	}
	return facts
}

// Operations are all that a client can send.
func Operations() (names []Operation) {
	for i := range rows {
		names = append(names, rows[i].name)
	}
	return names
}
