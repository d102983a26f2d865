package pgstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/wise-partner/usersecurity"
)

// children are what other processes of the fleet do.
var children = map[string]func(){
	"count":           childCounts,
	"refresh":         childRefreshes,
	"refresh at Wise": childRefreshesAtWise,
	"replica":         childReplica,
}

const (
	countedUsers  = 5
	countedRounds = 20
)

func childCounts() {
	store, closePool := childStore()
	defer closePool()
	fmt.Println("running")
	_, _ = io.ReadAll(os.Stdin) // until all others run too
	if err := countUp(store); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// countUp counts on for each of several users, again and again.
func countUp(store usersecurity.TokenStore) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	errs := make(chan error, countedUsers*countedRounds)
	for user := range usersecurity.UserID(countedUsers) {
		for range countedRounds {
			all.Go(func() {
				_, err := store.Update(ctx, user, countOn)
				errs <- err
			})
		}
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// childRefreshes never comes back from Wise.
func childRefreshes() {
	store, _ := childStore()
	_, err := store.Update(context.Background(), 1001, func(context.Context, *oauth2.Token) (*oauth2.Token, error) {
		fmt.Println("running")
		select {}
	})
	fmt.Println(err)
}

// child is another process of the fleet.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startChild returns once the process says that it is running.
func startChild(t *testing.T, d database, name string, env ...string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childVariable+"="+name, "PGSTORE_TEST_CHILD_URL="+d.url, "PGSTORE_TEST_CHILD_SCHEMA="+d.schema)
	c.Env = append(c.Env, env...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	c.in, c.out = in, bufio.NewReader(out)
	if line, _ := c.out.ReadString('\n'); strings.TrimSpace(line) != "running" {
		t.Fatalf("the other process said %q", line)
	}
	return c
}

func TestProcessesExcludeEachOther(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 4), oneKey)
	others := []*child{startChild(t, d, "count"), startChild(t, d, "count")}
	for _, other := range others {
		_ = other.in.Close()
	}
	if err := countUp(store); err != nil {
		t.Error(err)
	}
	for _, other := range others {
		said, _ := io.ReadAll(other.out)
		if err := other.Wait(); err != nil {
			t.Errorf("another process: %v: %s", err, said)
		}
	}
	for user := range usersecurity.UserID(countedUsers) {
		expectStored(t, store, user, fmt.Sprint(3*countedRounds))
	}
}

func TestKilledProcessFreesItsUser(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 4), oneKey)
	put(t, store, 1001, token("before"))
	other := startChild(t, d, "refresh")

	began := make(chan struct{})
	done := make(chan error, 1)
	ctx := soon(t, 15*time.Second)
	go func() {
		_, err := store.Update(ctx, 1001, func(_ context.Context, now *oauth2.Token) (*oauth2.Token, error) {
			close(began)
			if accessOf(now) != "before" {
				t.Errorf("after the kill the access token is %q", accessOf(now))
			}
			return token("after"), nil
		})
		done <- err
	}()
	select {
	case <-began:
		t.Error("two processes have the user")
	case <-time.After(time.Second):
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatalf("15 seconds after another process was killed: %v", err)
	}
	expectStored(t, store, 1001, "after")
}

// A process that dies in the first Update of a user leaves a row without tokens.
func TestKilledProcessOfANewUser(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	store := newStore(t, d.pool(t, 4), oneKey)
	other := startChild(t, d, "refresh")
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	expectStored(t, store, 1001, "")
	if err := store.Reencrypt(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := store.Update(soon(t, 15*time.Second), 1001, to(token("after"))); err != nil {
		t.Fatal(err)
	}
	expectStored(t, store, 1001, "after")
}
