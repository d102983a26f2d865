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

// Each method has its field, calls it with what it was given, and says which
// field is missing where there is none.
func TestStub(t *testing.T) {
	api := reflect.TypeFor[usersecurity.API]()
	fields := reflect.TypeFor[usersecuritytest.Stub]()
	if api.NumMethod() != fields.NumField() {
		t.Errorf("%d methods, %d fields", api.NumMethod(), fields.NumField())
	}
	expected := errors.New("from the field")
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		field, ok := fields.FieldByName(name + "Func")
		if !ok || field.Type != api.Method(i).Type {
			t.Errorf("%s has no field of its type", name)
			continue
		}
		var called []reflect.Value
		stub := reflect.New(fields)
		args := []reflect.Value{reflect.ValueOf(t.Context())}
		for j := 1; j < field.Type.NumIn()-1; j++ {
			args = append(args, reflect.New(field.Type.In(j)).Elem())
			if arg := args[j]; arg.CanInt() {
				arg.SetInt(int64(40 + j))
			}
		}
		option := usersecurity.WithMaxAttempts(1)
		args = append(args, reflect.ValueOf(option))

		results := stub.MethodByName(name).Call(args)
		err, _ := results[len(results)-1].Interface().(error)
		if err == nil || !strings.Contains(err.Error(), "Stub."+name+"Func is not set") {
			t.Errorf("%s without a field: %v", name, err)
		}

		stub.Elem().FieldByName(field.Name).Set(reflect.MakeFunc(field.Type, func(got []reflect.Value) []reflect.Value {
			called = got
			results := make([]reflect.Value, field.Type.NumOut())
			for i := range results {
				results[i] = reflect.Zero(field.Type.Out(i))
			}
			results[len(results)-1] = reflect.ValueOf(&expected).Elem()
			return results
		}))
		results = stub.MethodByName(name).Call(args)
		if err, _ := results[len(results)-1].Interface().(error); !errors.Is(err, expected) {
			t.Errorf("%s: %v, want the field's error", name, err)
		}
		if len(called) != len(args) || called[len(args)-1].Len() != 1 {
			t.Fatalf("%s: the field was called with %d arguments, want %d", name, len(called), len(args))
		}
		for j, arg := range called[:len(args)-1] {
			if !reflect.DeepEqual(arg.Interface(), args[j].Interface()) {
				t.Errorf("%s: argument %d is %v, want %v", name, j, arg, args[j])
			}
		}
	}
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
