// Backend is the service of a partner whose customers set up their security
// factors at Wise in the partner's own app: a PIN, their devices, and the phone
// number for one-time passwords. It is written to be copied from.
//
//	go run -C examples/backend . -demo
//
// runs two replicas of it against a simulator of Wise, makes some requests to
// them, and shows what became of them; with -logs it shows the service's log as
// well. Without -demo it serves:
//
//	WISE_CLIENT_SECRET=… DATABASE_URL=… TOKEN_KEYS=… go run -C examples/backend . \
//		-base-url https://api.wise-sandbox.com -client-id … -customers customers.json
//
// The customers' tokens are in the PostgreSQL that DATABASE_URL names, encrypted
// with the first of TOKEN_KEYS (store.go says what these look like); without
// DATABASE_URL they are in this process, for a service of one replica.
//
// The app sends its session as a bearer token:
//
//	PUT    /me/pin           {"pin": "0417"}                 204
//	DELETE /me/pin                                           204
//	PUT    /me/face-map      {"faceMap": "…"}                204
//	DELETE /me/face-map                                      204
//	POST   /me/devices       {"fingerprint": "…"}            201 {"id", "createdAt"}
//	GET    /me/devices                                       200 {"devices": […]}
//	DELETE /me/devices/{id}                                  204
//	PUT    /me/phone         {"phoneNumber": "+6588888888"}  200 {"phoneNumber", "verified"}
//	GET    /me/phone                                         200
//	DELETE /me/phone                                         204
//	POST   /me/wise-link                                     200 {"url"}
//	GET    /wise/callback    from Wise's page                303 /settings?wise=linked
//	GET    /healthz                                          204
//
// Whatever fails is answered with application/problem+json; problems.go has
// the codes, and errors.go says which error gets which.
//
// What this example leaves to the service it is copied into: a database in place
// of what session.go and profile.go keep in memory, clearing a challenge where Wise
// asks for one (examples/challenge), TLS in front of it, limits on how often a
// customer may call, and asking the customer to log in again before a factor is
// changed or removed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wise-partner/usersecurity"
)

func main() {
	// SIGTERM is what orchestrators stop a service with.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "backend:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	flags.SetOutput(logs)
	demo := flags.Bool("demo", false, "run against a simulator of Wise, make some requests and exit")
	demoLogs := flags.Bool("logs", false, "with -demo: show the log of the service")
	addr := flags.String("addr", "127.0.0.1:8080", "where to listen; put something that speaks TLS in front")
	baseURL := flags.String("base-url", "", "Wise's address, such as "+usersecurity.Sandbox)
	clientID := flags.String("client-id", "", "the partner's client id; its secret is WISE_CLIENT_SECRET")
	publicURL := flags.String("public-url", "http://localhost:8080", "by which browsers reach this service; Wise must know "+callbackPath+" below it as a redirect URI")
	customersFile := flags.String("customers", "", "a JSON file with the customers; session.go says what is in it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(logs, nil))
	if *demo {
		if !*demoLogs {
			logger = slog.New(slog.DiscardHandler)
		}
		return runDemo(ctx, env, out, logger)
	}

	customers, err := loadCustomers(*customersFile)
	if err != nil {
		return err
	}
	store, closeStore, err := openStore(ctx, env("DATABASE_URL"), env("TOKEN_KEYS"))
	if err != nil {
		return err
	}
	defer closeStore()
	// The secret comes from the environment: arguments show in the process list.
	partner := partner{baseURL: *baseURL, clientID: *clientID, clientSecret: env("WISE_CLIENT_SECRET"), publicURL: *publicURL}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	return runReplica(ctx, partner, store, customers, listener, logger)
}

// partner is how the partner is known to Wise, and to browsers.
type partner struct{ baseURL, clientID, clientSecret, publicURL string }

// runReplica is the service: one client for the life of the process, and what
// answers the app's requests with it.
func runReplica(ctx context.Context, p partner, store usersecurity.TokenStore, s sessions, listener net.Listener, logger *slog.Logger, opts ...usersecurity.Option) error {
	client, err := newClient(p, store, logger, opts...)
	if err != nil {
		_ = listener.Close()
		return err
	}
	defer client.CloseIdleConnections()
	linking, err := newLinking(client.UserTokens, store, p.publicURL, p.clientSecret)
	if err != nil {
		_ = listener.Close()
		return err
	}
	checkWise(ctx, client, logger)
	return serve(ctx, listener, newAPI(client, client.SCA, linking, s, logger).handler(), logger)
}

// How long a request may take, from the inside out. A customer is waiting: the
// library's defaults, made for jobs as well, would let him wait a minute.
const (
	attemptTime   = 5 * time.Second
	maxRetryAfter = 5 * time.Second // a longer wait is left to the app
	actionTime    = 20 * time.Second
	readTime      = 5 * time.Second
	requestTime   = readTime + actionTime + 5*time.Second // the last for writing
)

// newClient makes the one client of the process.
func newClient(p partner, store usersecurity.TokenStore, logger *slog.Logger, opts ...usersecurity.Option) (*usersecurity.Client, error) {
	return usersecurity.New(append([]usersecurity.Option{
		usersecurity.WithBaseURL(p.baseURL),
		usersecurity.WithClientCredentials(p.clientID, p.clientSecret),
		usersecurity.WithUserTokenStore(store),
		usersecurity.WithJWE(),
		usersecurity.WithRetry(usersecurity.RetryPolicy{MaxRetryAfter: maxRetryAfter}),
		usersecurity.WithTimeouts(attemptTime, actionTime),
		usersecurity.WithLogger(logger),
		usersecurity.WithUserAgent("example-backend/1.0"),
	}, opts...)...)
}

// checkWise finds out at the start what would otherwise be found out by the first
// customer: a wrong secret, a proxy in the way. The service starts all the same,
// or an outage of Wise's would keep it from being deployed.
func checkWise(ctx context.Context, client *usersecurity.Client, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, actionTime)
	defer cancel()
	if err := client.VerifyJWE(ctx); err != nil {
		logger.Warn("Wise can't be used for now", slog.Any("error", err))
	}
}

// serve answers requests until the context ends, and then those that are still
// under way: a PIN that is being set should not be left to chance.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readTime,
		ReadTimeout:       readTime,
		WriteTimeout:      requestTime, // counted from the header on
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	logger.Info("listening", slog.String("addr", listener.Addr().String()))
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
	defer cancel()
	return server.Shutdown(ctx)
}
