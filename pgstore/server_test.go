package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// urlVariable names a database to test with, whose user may create schemas and
// roles. Without it a server of the tests' own is started.
const urlVariable = "PGSTORE_TEST_DATABASE_URL"

var errNoServer = errors.New("these tests need PostgreSQL. Either install its programs (Debian: apt-get install postgresql), " +
	"or run them with testdata/postgres.sh, which does, or set " + urlVariable + " to a database in which they may create schemas and roles")

// server is a PostgreSQL of the tests' own, in a temporary folder, on a Unix
// socket in it that nobody else can reach.
type server struct {
	bin, dir string
	as       *syscall.SysProcAttr // PostgreSQL refuses to run as root
	process  *exec.Cmd
	running  io.Closer // closing it stops the server, and so does the end of this process
}

func (s *server) url() string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(s.dir)
}

// log is all that the server has written.
func (s *server) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// privateServer starts a server for one test, which may stop it and read its log.
func privateServer(t *testing.T) *server {
	t.Helper()
	s, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	return s
}

var shared struct {
	once   sync.Once
	server *server
	url    string
	err    error
}

// sharedURL is the address of the database that tests share.
func sharedURL(t *testing.T) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.url = os.Getenv(urlVariable); shared.url != "" {
			return
		}
		if shared.server, shared.err = newServer(); shared.err == nil {
			shared.url = shared.server.url()
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.url
}

func stopSharedServer() {
	if shared.server != nil {
		shared.server.remove()
	}
}

func newServer() (*server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	as, uid, gid, err := whoRunsIt()
	if err != nil {
		return nil, err
	}
	// Not below TMPDIR: the path of a Unix socket has at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "pgstore")
	if err != nil {
		return nil, err
	}
	s := &server{bin: bin, dir: dir, as: as}
	if err := os.Chown(dir, uid, gid); err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.start()
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// programs finds the folder of PostgreSQL's programs.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errNoServer
	}
	return filepath.Dir(path), nil
}

func whoRunsIt() (as *syscall.SysProcAttr, uid, gid int, err error) {
	if os.Getuid() != 0 {
		return nil, os.Getuid(), os.Getgid(), nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, 0, 0, errors.New("PostgreSQL doesn't run as root, and there is neither a user postgres nor nobody")
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, uid, gid, nil
}

// start starts the server and waits until it answers.
func (s *server) start() error {
	// The shell stops the server when its input ends, however this process ends.
	s.process = exec.Command("/bin/sh", "-c", `"$@" >>log 2>&1 & pid=$!; read -r _; kill -INT $pid; wait $pid`, "sh",
		filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_statement=all")
	s.process.Dir, s.process.SysProcAttr = s.dir, s.as
	var err error
	if s.running, err = s.process.StdinPipe(); err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url())
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL doesn't start: %w\n%s", err, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// stop ends the server's connections and the server.
func (s *server) stop() {
	_ = s.running.Close()
	_ = s.process.Wait()
}

func (s *server) remove() {
	s.stop()
	_ = os.RemoveAll(s.dir)
}
