package usersecuritytest_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wise-partner/usersecurity"
)

func TestRequestThatBreaksOffIsNotProcessed(t *testing.T) {
	srv := newServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	body := `{"faceMap":"Zm9v"}`
	_, err = fmt.Fprintf(conn, "POST /v1/user/facemap/enrol HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", srv.UserToken(user), len(body)+1, body)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for srv.Count(usersecurity.OpEnrolFaceMap) == 0 {
		time.Sleep(time.Millisecond)
	}
	srv.Close()
	if r := srv.Requests()[0]; r.Status != 0 || state(t, srv, user).FaceMapEnrolled {
		t.Errorf("half a request was answered %d", r.Status)
	}
}
