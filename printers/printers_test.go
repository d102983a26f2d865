package printers

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"expvar"
	"fmt"
	htmltemplate "html/template"
	"log"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"text/template"

	"github.com/davecgh/go-spew/spew"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/kr/pretty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/mock/gomock"
	yaml "go.yaml.in/yaml/v3"
)

// printer is anything that makes text or bytes of a value.
type printer struct {
	name string
	// blunt ones read fields by reflection and ask no method.
	blunt bool
	// encoder ones are made to be read back.
	encoder bool
	print   func(v any) string
}

var printers = []printer{
	{name: "fmt", print: withVerbs("%v %+v %#v %s %q %d %x %X % x %#x %t %e %g %c %U %#U %o %b %T %10v %-30.3s %[1]*[1]d")},
	// vet finds these two. fmt then asks no method.
	{name: "fmt %w and %p", blunt: true, print: withVerbs("%w %p %!")},
	{name: "fmt, extra operand", print: func(v any) string { return fmt.Sprintf("%d", append([]any{1}, v)...) }},
	{name: "Errorf", print: func(v any) string { return fmt.Errorf("%v: %w", v, fmt.Errorf("%+v", v)).Error() }},
	{name: "log", print: logged},
	{name: "slog", encoder: true, print: slogged},
	{name: "json", encoder: true, print: encoded(func(v any) ([]byte, error) { return json.Marshal(v) })},
	{name: "xml", encoder: true, print: encoded(xml.Marshal)},
	{name: "gob", encoder: true, print: encoded(gobbed)},
	{name: "yaml", encoder: true, print: encoded(func(v any) ([]byte, error) { return yaml.Marshal(v) })},
	{name: "text", print: marshalled},
	{name: "expvar", encoder: true, print: func(v any) string { return expvar.Func(func() any { return v }).String() }},
	{name: "templates", encoder: true, print: templated},
	{name: "testing", print: func(v any) string { return spoken(func(t *listener) { t.Errorf("%v %+v", v, v) }) }},
	{name: "spew", print: spewed(spew.ConfigState{Indent: " "})},
	{name: "spew without pointer methods", print: spewed(spew.ConfigState{DisablePointerMethods: true})},
	{name: "spew beyond methods", blunt: true, print: spewed(spew.ConfigState{ContinueOnMethod: true})},
	{name: "spew without methods", blunt: true, print: spewed(spew.ConfigState{DisableMethods: true, SortKeys: true})},
	{name: "kr/pretty", print: func(v any) string {
		return pretty.Sprint(v) + fmt.Sprintf("%# v %v %s", pretty.Formatter(v), pretty.Formatter(v), pretty.Formatter(v))
	}},
	{name: "kr/pretty, diff", blunt: true, print: func(v any) string {
		return strings.Join(pretty.Diff(v, nil), "\n") + strings.Join(pretty.Diff([]any{v}, []any{1}), "\n") + strings.Join(pretty.Diff(v, zeroOf(v)), "\n")
	}},
	{name: "go-cmp", blunt: true, print: compared},
	{name: "testify", blunt: true, print: asserted},
	{name: "gomock", print: func(v any) string {
		return gomock.Eq(v).String() + gomock.InAnyOrder([]any{v}).String() + gomock.Not(v).String() +
			gomock.GotFormatterAdapter(gomock.GotFormatterFunc(func(got any) string { return fmt.Sprint(got) }), gomock.Eq(v)).String()
	}},
}

func withVerbs(verbs string) func(any) string {
	return func(v any) string {
		var b strings.Builder
		for _, verb := range strings.Fields(verbs) {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		return b.String()
	}
}

func logged(v any) string {
	var b bytes.Buffer
	l := log.New(&b, "", log.LstdFlags)
	l.Print(v)
	l.Println("value", v)
	l.Printf("%v %+v", v, v)
	func() {
		defer func() { fmt.Fprint(&b, recover()) }()
		l.Panic(v)
	}()
	return b.String()
}

func slogged(v any) string {
	var b bytes.Buffer
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{
		slog.NewTextHandler(&b, debug), slog.NewJSONHandler(&b, debug),
		slog.NewMultiHandler(slog.NewTextHandler(&b, debug)),
		slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			return slog.Any(a.Key, a.Value.Any())
		}}),
	} {
		l := slog.New(h)
		l.Info("printed", slog.Any("value", v), slog.Group("group", slog.Any("value", v)))
		l.With("with", v).WithGroup("g").Error("printed", "list", []any{v}, "map", map[string]any{"v": v})
	}
	fmt.Fprintf(&b, "%v %+v", slog.AnyValue(v), slog.Any("value", v).Value.Resolve())
	return b.String()
}

// encoded prints what an encoder makes of a value, or the error in its place.
func encoded(encode func(any) ([]byte, error)) func(any) string {
	return func(v any) string {
		var b strings.Builder
		for _, v := range []any{v, map[string]any{"v": v}, struct{ V any }{v}} {
			func() {
				defer func() {
					if p := recover(); p != nil {
						fmt.Fprint(&b, p)
					}
				}()
				out, err := encode(v)
				fmt.Fprintf(&b, "%s %v\n", out, err)
			}()
		}
		return b.String()
	}
}

func gobbed(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func marshalled(v any) string {
	var b strings.Builder
	if m, ok := v.(encoding.TextMarshaler); ok {
		fmt.Fprintln(&b, encoded(func(any) ([]byte, error) { return m.MarshalText() })(nil))
	}
	if m, ok := v.(encoding.BinaryMarshaler); ok {
		fmt.Fprintln(&b, encoded(func(any) ([]byte, error) { return m.MarshalBinary() })(nil))
	}
	if m, ok := v.(encoding.TextAppender); ok {
		fmt.Fprintln(&b, encoded(func(any) ([]byte, error) { return m.AppendText(nil) })(nil))
	}
	return b.String()
}

func templated(v any) string {
	var b strings.Builder
	const text = `{{.}} {{printf "%v %+v %#v" . .  .}} {{print .}} {{html .}} {{js .}} {{urlquery .}}`
	fmt.Fprintln(&b, template.Must(template.New("").Parse(text)).Execute(&b, v))
	const page = `<p title="{{.}}">{{.}}</p><script>var v = {{.}};</script><a href="/?q={{.}}">`
	fmt.Fprintln(&b, htmltemplate.Must(htmltemplate.New("").Parse(page)).Execute(&b, v))
	return b.String()
}

func spewed(c spew.ConfigState) func(any) string {
	return func(v any) string { return c.Sdump(v) + c.Sprintf("%v %+v %#v %#+v", v, v, v, v) }
}

// compared prints the diffs of a value with none, its zero value and itself, with
// the options that people give go-cmp.
func compared(v any) string {
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	zero := zeroOf(v)
	var b strings.Builder
	for _, options := range []cmp.Options{
		nil, {everything}, {everything, cmpopts.EquateEmpty(), cmpopts.EquateErrors(), cmpopts.EquateComparable()},
	} {
		for _, pair := range [][2]any{{v, nil}, {v, zero}, {zero, v}, {v, v}, {[]any{v}, []any{1}}, {map[string]any{"v": v}, map[string]any{"v": zero}}} {
			func() {
				defer func() { fmt.Fprintln(&b, recover()) }() // it panics at unexported fields
				fmt.Fprintln(&b, cmp.Diff(pair[0], pair[1], options...))
			}()
		}
	}
	return b.String()
}

// asserted prints what failed assertions say of a value.
func asserted(v any) string {
	zero := zeroOf(v)
	return spoken(func(t *listener) {
		assert.Equal(t, v, zero)
		assert.Equal(t, zero, v)
		assert.EqualValues(t, []any{v}, []any{1})
		assert.Exactly(t, v, 1)
		assert.Nil(t, v)
		assert.Empty(t, v)
		assert.Zero(t, v)
		assert.Len(t, []any{v}, 3)
		assert.Contains(t, []any{v}, 1)
		assert.ElementsMatch(t, []any{v}, []any{1})
		assert.IsType(t, 1, v)
		assert.Same(t, v, &zero)
		assert.NotEqual(t, v, v, "the value is %v %+v", v, v)
		assert.JSONEq(t, fmt.Sprint(v), "{}")
		if err, ok := v.(error); ok {
			assert.NoError(t, err)
			assert.ErrorIs(t, err, os.ErrNotExist)
			assert.ErrorAs(t, err, new(*os.PathError))
			assert.EqualError(t, err, "something else")
			assert.ErrorContains(t, err, "something else")
		}
		require.Equal(t, v, zero)
	})
}

func zeroOf(v any) any {
	if v == nil {
		return nil
	}
	return reflect.Zero(reflect.TypeOf(v)).Interface()
}

// listener is a test that fails, and keeps what it is told.
type listener struct{ said strings.Builder }

type stopped struct{}

func (l *listener) Errorf(format string, args ...any) { fmt.Fprintf(&l.said, format+"\n", args...) }
func (l *listener) Logf(format string, args ...any)   { l.Errorf(format, args...) }
func (l *listener) FailNow()                          { panic(stopped{}) }
func (l *listener) Fatalf(format string, args ...any) { l.Errorf(format, args...); l.FailNow() }
func (l *listener) Helper()                           {}

// spoken returns what a failing test says, and what it panics with.
func spoken(test func(t *listener)) string {
	var l listener
	func() {
		defer func() {
			if p := recover(); p != nil && p != (stopped{}) {
				l.Errorf("%v %+v", p, p)
			}
		}()
		test(&l)
	}()
	return l.said.String()
}
