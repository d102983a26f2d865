package usersecuritytest_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// stubs are all of them, with the interfaces that they stand for.
var stubs = map[reflect.Type]reflect.Type{
	reflect.TypeFor[usersecuritytest.Stub]():             reflect.TypeFor[usersecurity.API](),
	reflect.TypeFor[usersecuritytest.RelayStub]():        reflect.TypeFor[usersecurity.RelayAPI](),
	reflect.TypeFor[usersecuritytest.SCAStub]():          reflect.TypeFor[usersecurity.SCAAPI](),
	reflect.TypeFor[usersecuritytest.OneTimeTokenStub](): reflect.TypeFor[usersecurity.OneTimeTokenAPI](),
	reflect.TypeFor[usersecuritytest.ProfileStub]():      reflect.TypeFor[usersecurity.ProfileAPI](),
	reflect.TypeFor[usersecuritytest.ChallengeStub]():    reflect.TypeFor[usersecurity.ChallengeAPI](),
	reflect.TypeFor[usersecuritytest.UserTokenStub]():    reflect.TypeFor[usersecurity.UserTokenAPI](),
}

// Each method of each stub has its field, calls it with what it was given, and
// says which field is missing where there is none.
func TestStubs(t *testing.T) {
	t.Parallel()
	for stub, api := range stubs {
		if api.NumMethod() != stub.NumField() {
			t.Errorf("%s: %d methods, %d fields", stub, api.NumMethod(), stub.NumField())
		}
		for i := range api.NumMethod() {
			t.Run(stub.Name()+"/"+api.Method(i).Name, func(t *testing.T) { checkStub(t, stub, api.Method(i)) })
		}
	}
}

// Whatever makes a call to Wise can be stubbed: it is in an interface, and so in a
// stub. RegisterReplyKey and VerifyJWE are for a program's start, and in none.
func TestEveryCallIsInAStub(t *testing.T) {
	t.Parallel()
	for _, of := range clientAndServices() {
		for i := range of.NumMethod() {
			method := of.Method(i)
			if !makesCalls(of, method) || method.Name == "RegisterReplyKey" || method.Name == "VerifyJWE" {
				continue
			}
			found := false
			for _, api := range stubs {
				_, has := api.MethodByName(method.Name)
				found = found || has && of.Implements(api)
			}
			if !found {
				t.Errorf("%s.%s is in no stub: give it a line in an interface of api.go that is in API, "+
					"or has a stub of its own in internal/stubgen and in this test, and run go generate ./usersecuritytest", of, method.Name)
			}
		}
	}
}

// clientAndServices are the client, and what stands behind its fields.
func clientAndServices() []reflect.Type {
	client := reflect.TypeFor[*usersecurity.Client]()
	all := []reflect.Type{client}
	for _, field := range reflect.VisibleFields(client.Elem()) {
		if field.IsExported() {
			all = append(all, field.Type)
		}
	}
	return all
}

// makesCalls reports whether a method takes options of calls, or performs an
// operation of its name.
func makesCalls(of reflect.Type, method reflect.Method) bool {
	if method.Type.IsVariadic() && method.Type.In(method.Type.NumIn()-1) == reflect.TypeFor[[]usersecurity.CallOption]() {
		return true
	}
	for _, op := range operationsOfClient() {
		service, name, ok := strings.Cut(string(op), ".")
		field, _ := reflect.TypeFor[usersecurity.Client]().FieldByName(service)
		if ok && field.Type == of && name == method.Name {
			return true
		}
	}
	return false
}

func checkStub(t *testing.T, fields reflect.Type, method reflect.Method) {
	field, ok := fields.FieldByName(method.Name + "Func")
	if !ok || field.Type != method.Type {
		t.Fatal("there is no field of its type")
	}
	stub := reflect.New(fields)
	args := argumentsOf(t, field.Type)
	results := stub.MethodByName(method.Name).Call(args)
	err, _ := results[len(results)-1].Interface().(error)
	if err == nil || !strings.Contains(err.Error(), fields.Name()+"."+method.Name+"Func is not set") {
		t.Errorf("without a field: %v", err)
	}

	expected := errors.New("from the field")
	var called []reflect.Value
	stub.Elem().FieldByName(field.Name).Set(reflect.MakeFunc(field.Type, func(got []reflect.Value) []reflect.Value {
		called = got
		results := make([]reflect.Value, field.Type.NumOut())
		for i := range results {
			results[i] = reflect.Zero(field.Type.Out(i))
		}
		results[len(results)-1] = reflect.ValueOf(&expected).Elem()
		return results
	}))
	results = stub.MethodByName(method.Name).Call(args)
	if err, _ := results[len(results)-1].Interface().(error); !errors.Is(err, expected) {
		t.Errorf("%v, want the field's error", err)
	}
	if len(called) != len(args) || field.Type.IsVariadic() && called[len(args)-1].Len() != 1 {
		t.Fatalf("the field was called with %d arguments, want %d", len(called), len(args))
	}
	for j, arg := range args {
		if (!field.Type.IsVariadic() || j < len(args)-1) && !reflect.DeepEqual(called[j].Interface(), arg.Interface()) {
			t.Errorf("argument %d is %v, want %v", j, called[j], arg)
		}
	}
}

// argumentsOf are arguments of which those that can be told apart differ.
func argumentsOf(t *testing.T, of reflect.Type) (args []reflect.Value) {
	for j := range of.NumIn() {
		switch in := of.In(j); {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(t.Context()))
		case of.IsVariadic() && j == of.NumIn()-1:
			args = append(args, reflect.ValueOf(usersecurity.WithMaxAttempts(1)))
		default:
			arg := reflect.New(in).Elem()
			switch {
			case arg.CanInt():
				arg.SetInt(int64(40 + j))
			case arg.Kind() == reflect.String:
				arg.SetString(strings.Repeat("x", j+1))
			}
			args = append(args, arg)
		}
	}
	return args
}

func TestStubIsAnAPI(t *testing.T) {
	var got usersecurity.UserID
	var api usersecurity.API = &usersecuritytest.Stub{
		DeletePinFunc: func(_ context.Context, user usersecurity.UserID, _ ...usersecurity.CallOption) error {
			got = user
			return nil
		},
	}
	if err := api.DeletePin(t.Context(), user); err != nil || got != user {
		t.Errorf("user %d, %v", got, err)
	}
}
