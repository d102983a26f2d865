package trial

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Parse reads the arguments of a program that has flags only. It prints nothing
// but what -h asks for, to out, and then returns flag.ErrHelp: main prints the
// error.
func Parse(flags *flag.FlagSet, args []string, out io.Writer) error {
	flags.SetOutput(io.Discard)
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(out)
		flags.Usage()
		return err
	case err != nil:
		return fmt.Errorf("%w; -h lists the flags", err)
	case flags.NArg() > 0:
		return errors.New("there are flags only; -h lists them")
	}
	return nil
}
