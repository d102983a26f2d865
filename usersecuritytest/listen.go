package usersecuritytest

import (
	"fmt"
	"net"
	"strconv"
)

// anyPort is where a server listens that was given no listener.
const anyPort = "127.0.0.1:0"

func listen() net.Listener {
	l, err := net.Listen("tcp4", anyPort)
	if err != nil {
		panic(fmt.Sprintf("usersecuritytest: NewServer can't listen on 127.0.0.1: %v", err))
	}
	return l
}

// hostOf is how a listener's address is written in a URL. One that listens on all
// addresses of the machine is reached on loopback.
func hostOf(l net.Listener) string {
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return l.Addr().String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}
