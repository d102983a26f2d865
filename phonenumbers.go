package usersecurity

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PhoneNumber is a phone number of a user. Printed with fmt, or given to slog as
// a value of its own, it shows the last two digits only. Encoders write it whole,
// and so does a slog JSON handler that meets it inside a slice or a struct, and a
// printer that asks no method: spew without methods, a test's diff, or fmt where
// the number stands in a field of another struct that is not exported.
type PhoneNumber struct {
	// ID is Wise's id: what UpdatePhoneNumber and DeletePhoneNumber take.
	ID PhoneNumberID `json:"id"`
	// PhoneNumber is the number in international form, such as +6588888888.
	PhoneNumber string `json:"phoneNumber"`
	// Type is PRIMARY so far; other values may come.
	Type string `json:"type"`
	// Verified says whether the number serves for authentication.
	Verified bool `json:"verified"`
	// ClientID is the partner's.
	ClientID string `json:"clientId"`
}

// Format prints the phone number masked.
func (n PhoneNumber) Format(f fmt.State, verb rune) { writeText(f, verb, n.String()) }

// GoString returns the phone number masked.
func (n PhoneNumber) GoString() string { return n.String() }

// String returns the phone number masked.
func (n PhoneNumber) String() string {
	return "{ID:" + strconv.FormatInt(int64(n.ID), 10) +
		" PhoneNumber:" + maskPhoneNumber(n.PhoneNumber) +
		" Type:" + printable(n.Type) +
		" Verified:" + strconv.FormatBool(n.Verified) +
		" ClientID:" + printable(n.ClientID) + "}"
}

// LogValue is a group with the phone number masked.
func (n PhoneNumber) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("id", int64(n.ID)),
		slog.String("phone_number", maskPhoneNumber(n.PhoneNumber)),
		slog.String("type", printable(n.Type)),
		slog.Bool("verified", n.Verified),
		slog.String("client_id", printable(n.ClientID)),
	)
}

// phoneNumberReply is how Wise writes it.
type phoneNumberReply struct {
	ID          PhoneNumberID `json:"id"`
	PhoneNumber looseText     `json:"phoneNumber"`
	Type        looseText     `json:"type"`
	Verified    looseBool     `json:"verified"`
	ClientID    looseText     `json:"clientId"`
}

var phoneNumberFields = []string{"id", "phoneNumber", "type", "verified", "clientId"}

func (n phoneNumberReply) phoneNumber() PhoneNumber {
	return PhoneNumber{ID: n.ID, PhoneNumber: string(n.PhoneNumber), Type: string(n.Type), Verified: bool(n.Verified), ClientID: string(n.ClientID)}
}

// maskPhoneNumber keeps the last two digits, which is enough to tell two
// numbers of one user apart in a log.
func maskPhoneNumber(number string) string {
	if len(number) < 6 {
		return mask
	}
	return mask + number[len(number)-2:]
}

// ListPhoneNumbers lists the user's phone numbers; the list is empty where
// there are none. It needs the application's token, with the extra grant that
// Wise gives on request.
//
// GET /v1/application/users/{userId}/phone-numbers. There is no successor.
func (c *Client) ListPhoneNumbers(ctx context.Context, user UserID, opts ...CallOption) ([]PhoneNumber, error) {
	list := []PhoneNumber{}
	_, err := c.do(ctx, request{op: OpListPhoneNumbers, user: user, decode: func(r reply) error {
		var body []phoneNumberReply
		err := r.decode(&body, phoneNumberFields, func() bool {
			return !slices.ContainsFunc(body, func(n phoneNumberReply) bool { return n.ID <= 0 })
		})
		list = list[:0] // of an attempt before this one
		for _, n := range body {
			list = append(list, n.phoneNumber())
		}
		return err
	}}, opts)
	if err != nil {
		return nil, err
	}
	return list, nil
}

// CreatePhoneNumber adds a phone number to the user, such as "+6588888888": in
// international form with + and country code, verified by the partner. It needs
// the application's token, with the extra grant that Wise gives on request.
// Wise alone judges the number; here only empty text and control characters
// are refused.
//
// Errors: [ErrPhoneRepeated].
//
// POST /v1/application/users/{userId}/phone-numbers, which Wise has not
// deprecated.
func (c *Client) CreatePhoneNumber(ctx context.Context, user UserID, phoneNumber string, opts ...CallOption) (*PhoneNumber, error) {
	return c.writePhoneNumber(ctx, OpCreatePhoneNumber, user, 0, phoneNumber, opts)
}

// UpdatePhoneNumber changes one of the user's phone numbers to another, which is
// written as [Client.CreatePhoneNumber] takes it. It needs the application's token,
// with the extra grant that Wise gives on request.
//
// Errors: [ErrPhoneRepeated], [ErrNotFound].
//
// PUT /v1/application/users/{userId}/phone-numbers/{phoneNumberId}. There is no
// successor: delete, then create.
func (c *Client) UpdatePhoneNumber(ctx context.Context, user UserID, id PhoneNumberID, phoneNumber string, opts ...CallOption) (*PhoneNumber, error) {
	if id <= 0 {
		id = noPhoneNumber
	}
	return c.writePhoneNumber(ctx, OpUpdatePhoneNumber, user, id, phoneNumber, opts)
}

// DeletePhoneNumber removes one of the user's phone numbers. It needs the
// application's token, with the extra grant that Wise gives on request.
//
// Errors: [ErrNotFound], though Wise documents no response for an unknown id.
//
// DELETE /v1/application/users/{userId}/phone-numbers/{phoneNumberId}, which
// Wise has not deprecated.
func (c *Client) DeletePhoneNumber(ctx context.Context, user UserID, id PhoneNumberID, opts ...CallOption) error {
	var problem error
	if id <= 0 {
		problem = errNoPhoneNumberID
	}
	_, err := c.do(ctx, request{op: OpDeletePhoneNumber, user: user, id: strconv.FormatInt(int64(id), 10), problem: problem}, opts)
	return err
}

// noPhoneNumber stands for an id that can't be one.
const noPhoneNumber PhoneNumberID = -1

var errNoPhoneNumberID = invalid("a phone number id is a positive number")

// writePhoneNumber creates a phone number, or changes the one with the id. Wise
// has no idempotency key for these: whether a write without a response was done,
// the list tells.
func (c *Client) writePhoneNumber(ctx context.Context, op Operation, user UserID, id PhoneNumberID, phoneNumber string, opts []CallOption) (*PhoneNumber, error) {
	problem := checkPhoneNumber(phoneNumber)
	if id == noPhoneNumber {
		problem = errNoPhoneNumberID
	}
	body, err := json.Marshal(map[string]string{"phoneNumber": phoneNumber})
	if err != nil {
		problem = invalid("the phone number can't be encoded")
	}
	var written PhoneNumber
	_, err = c.do(ctx, request{
		op: op, user: user, id: strconv.FormatInt(int64(id), 10), body: body, problem: problem,
		decode: func(r reply) error {
			var body phoneNumberReply
			err := r.decode(&body, phoneNumberFields, func() bool { return body.ID > 0 })
			written = body.phoneNumber()
			return err
		},
		looksBy: OpListPhoneNumbers,
		look: func(ctx context.Context, opts []CallOption) sight {
			listed, err := c.ListPhoneNumbers(ctx, user, opts...)
			if err != nil {
				return cantSee
			}
			found, seen := findPhoneNumber(listed, id, phoneNumber)
			if seen == isThere {
				written = found
			}
			return seen
		},
	}, opts)
	if err != nil {
		return nil, err
	}
	return &written, nil
}

// findPhoneNumber looks for a number that was written, under the id if there is
// one. Under another id it may be somebody else's doing.
func findPhoneNumber(listed []PhoneNumber, id PhoneNumberID, phoneNumber string) (PhoneNumber, sight) {
	seen := isNotThere
	for _, n := range listed {
		switch {
		case sameNumber(n.PhoneNumber, phoneNumber) && (id == 0 || n.ID == id):
			return n, isThere
		case mayBeSameNumber(n.PhoneNumber, phoneNumber):
			seen = mayBeThere
		}
	}
	return PhoneNumber{}, seen
}

// sameNumber compares what was sent with what Wise lists, which may be written
// without the spaces and dashes that people put in.
func sameNumber(a, b string) bool {
	return a == b || digits(a) != "" && digits(a) == digits(b)
}

// mayBeSameNumber tells that two numbers may be one in another form, such as
// with 00 or without the country code.
func mayBeSameNumber(a, b string) bool {
	const last = 6
	a, b = digits(a), digits(b)
	return len(a) < last || len(b) < last || a[len(a)-last:] == b[len(b)-last:]
}

func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, number)
}

func checkPhoneNumber(number string) error {
	switch {
	case strings.TrimSpace(number) == "":
		return invalid("the phone number is empty")
	case !utf8.ValidString(number):
		return invalid("the phone number must be valid UTF-8")
	case strings.ContainsFunc(number, unicode.IsControl):
		return invalid("the phone number has control characters")
	}
	return nil
}
