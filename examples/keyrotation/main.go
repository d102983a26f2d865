// Keyrotation changes Wise's key (the simulator's) while PINs are being set and
// deleted by many users at once, and shows that no call fails:
//
//	go run ./examples/keyrotation
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

const (
	users     = 50
	rounds    = 20
	rotations = 5
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "keyrotation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	client, err := usersecurity.New(wise.Options()...)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	pin, err := usersecurity.NewPin("0417")
	if err != nil {
		return err
	}

	var (
		wg             sync.WaitGroup
		calls, failed  atomic.Int64
		total          = int64(users * rounds)
		sinceRotation  = total / (rotations + 1)
		rotationsSoFar int
	)
	for n := range users {
		user := usersecurity.UserID(1001 + n)
		wise.AddUser(user)
		wg.Go(func() {
			for range rounds {
				if err := client.CreatePin(ctx, user, pin); err != nil {
					failed.Add(1)
					fmt.Fprintln(out, err)
				}
				if err := client.DeletePin(ctx, user); err != nil {
					failed.Add(1)
					fmt.Fprintln(out, err)
				}
				calls.Add(1)
			}
		})
	}
	for rotationsSoFar < rotations && ctx.Err() == nil {
		if calls.Load() >= int64(rotationsSoFar+1)*sinceRotation {
			wise.RotateKey()
			rotationsSoFar++
		}
		time.Sleep(time.Millisecond)
	}
	wg.Wait()

	fmt.Fprintf(out, "%d PINs set and deleted by %d users at once, %d rotations, %d calls failed\n",
		total, users, rotationsSoFar, failed.Load())
	fmt.Fprintf(out, "Wise's key was fetched %d times\n", wise.Count(usersecurity.OpFetchWiseKey))
	if failed.Load() > 0 {
		return fmt.Errorf("%d calls failed", failed.Load())
	}
	return nil
}
