package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows a bar where there is somebody to look at it. one is called for each
// customer, from any goroutine, and finish at the end.
func progress(w io.Writer, customers int) (one, finish func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}, func() {}
	}
	bar := progressbar.NewOptions(customers,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("customers"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("customers"),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond))
	one = func() { _ = bar.Add(1) }
	finish = func() {
		_ = bar.Exit()
		_, _ = io.WriteString(w, "\n")
	}
	return one, finish
}
