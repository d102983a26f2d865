package usersecuritytest_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/wise-partner/usersecurity"
)

// declaredIn are the names that a file of the root package gives to variables or
// constants, with the value that each is given there.
func declaredIn(file string) map[string]ast.Expr {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../"+file, nil, parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	found := map[string]ast.Expr{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for i, value := range spec.Values {
				found[spec.Names[i].Name] = value
			}
		}
		_, isFunc := n.(*ast.FuncDecl)
		return !isFunc
	})
	return found
}

// textOf is what a literal says.
func textOf(literal ast.Expr) string {
	text, err := strconv.Unquote(literal.(*ast.BasicLit).Value)
	if err != nil {
		panic(err)
	}
	return text
}

// operationsOfClient are the constants of operation.go.
func operationsOfClient() (ops []usersecurity.Operation) {
	for name, value := range declaredIn("operation.go") {
		if strings.HasPrefix(name, "Op") {
			ops = append(ops, usersecurity.Operation(textOf(value)))
		}
	}
	if len(ops) < 30 {
		panic(fmt.Sprintf("operation.go has only %q", ops))
	}
	return ops
}

// inside are what the client does in the course of other calls, and the call that
// is made of others: no method ends with an error of one response to them.
func inside(op usersecurity.Operation) bool {
	return strings.HasPrefix(string(op), "Fetch") || op == usersecurity.OpClearChallenges
}

// operationsOfMethods are those that a method performs with one call.
func operationsOfMethods() []usersecurity.Operation {
	return slices.DeleteFunc(operationsOfClient(), inside)
}

// perform calls the method that an operation is named after, with arguments that
// are fine.
func perform(t *testing.T, client *usersecurity.Client, op usersecurity.Operation) error {
	t.Helper()
	of, name := reflect.ValueOf(client), string(op)
	if service, method, ok := strings.Cut(name, "."); ok {
		of, name = of.Elem().FieldByName(service), method
	}
	if !of.IsValid() || !of.MethodByName(name).IsValid() {
		t.Fatalf("the client has no method %s: an operation has the name of its method", op)
	}
	method := of.MethodByName(name)
	fixed := method.Type().NumIn()
	if method.Type().IsVariadic() {
		fixed--
	}
	var args []reflect.Value
	for i := range fixed {
		args = append(args, fine(t, op, method.Type().In(i)))
	}
	results := method.Call(args)
	err, _ := results[len(results)-1].Interface().(error)
	return err
}

// fine is an argument of a type that the operation can do with.
func fine(t *testing.T, op usersecurity.Operation, of reflect.Type) reflect.Value {
	t.Helper()
	if of == reflect.TypeFor[context.Context]() {
		return reflect.ValueOf(t.Context())
	}
	text := "+6588888888"
	if strings.HasPrefix(string(op), "UserTokens.") {
		text = "a@example.com"
	}
	for _, value := range append(fineSecrets(t), usersecurity.UserID(user), usersecurity.Profile{User: user, ID: 7}, usersecurity.PhoneNumberID(1),
		uuid.New(), usersecurity.ChallengeSMS, usersecurity.ReplyKey{ID: uuid.New(), PublicKey: &partnerKey().PublicKey}, text) {
		if reflect.TypeOf(value) == of {
			return reflect.ValueOf(value)
		}
	}
	t.Fatalf("%s takes a %s: give fine one that it can do with", op, of)
	return reflect.Value{}
}

func fineSecrets(t *testing.T) []any {
	faceMap, err := usersecurity.NewFaceMap([]byte("foo"))
	otp, err2 := usersecurity.NewOTP("111111")
	oneTime, err3 := usersecurity.NewOneTimeToken("5a1f0c3e-8f0b-4a57-9c7e-0d2f6b1a4c11")
	code, err4 := usersecurity.NewRegistrationCode(strings.Repeat("x", 40))
	for _, err := range []error{err, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return []any{mustPin(t, "1111"), mustFingerprint(t, "a"), faceMap, otp, oneTime, code}
}
