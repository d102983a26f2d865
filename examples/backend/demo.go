package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/wise-partner/usersecurity"
	"github.com/wise-partner/usersecurity/usersecuritytest"
)

// The customer of the demo, and somebody else.
const (
	demoUser       = usersecurity.UserID(1001)
	demoOtherUser  = usersecurity.UserID(1002)
	demoPhone      = "+6588880001"
	demoOtherPhone = "+6588880002"
)

// runDemo is two replicas of the service at a simulator of Wise, with an app that
// calls now the one and now the other. Their customers' tokens are in one store:
// in PostgreSQL where DATABASE_URL names one, which must be there for the demo
// alone.
func runDemo(ctx context.Context, env func(string) string, out io.Writer, logger *slog.Logger) error {
	wise := usersecuritytest.NewServer()
	defer wise.Close()
	wise.AddUser(demoUser)
	wise.AddUser(demoOtherUser)
	keys := env("TOKEN_KEYS")
	if keys == "" { // the same each time, so that the demo can read what the last one left
		keys = "demo:" + base64.StdEncoding.EncodeToString([]byte("a key for tokens of no real Wise"))
	}
	store, closeStore, err := openStore(ctx, env("DATABASE_URL"), keys)
	if err != nil {
		return err
	}
	defer closeStore()

	app := newApp(wise, out)
	customers := newDirectory()
	customers.add(app.session, customer{ID: "c-1", WiseUser: demoUser, VerifiedPhones: []string{demoPhone, demoOtherPhone}})
	partner := partner{baseURL: wise.URL(), clientID: wise.ClientID(), clientSecret: wise.ClientSecret(), publicURL: "https://app.partner.example"}

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	const replicas = 2
	served := make(chan error, replicas)
	for range replicas {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		app.replicas = append(app.replicas, "http://"+listener.Addr().String())
		go func() {
			served <- runReplica(ctx, partner, store, customers, listener, logger,
				usersecurity.WithObserver(&app.refreshes), usersecurity.WithAuthorizationPage(wise.URL()+"/oauth/authorize"))
		}()
	}
	err = app.tour(ctx)
	app.http.CloseIdleConnections()
	stop()
	for range replicas {
		err = errors.Join(err, <-served)
	}
	return err
}

func (a *app) tour(ctx context.Context) error {
	a.say("The customer has not linked the account yet. At first somebody else is logged in at Wise.")
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "403 wise_link_required")
	a.link(ctx, demoOtherUser, "303 /settings?wise=wise_link_other_user")
	a.link(ctx, demoUser, "303 /settings?wise=linked")

	a.say("A PIN is set once; to change it, it is deleted first.")
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "204")
	a.expect(ctx, "PUT /me/pin", `{"pin":"7140"}`, "409 pin_already_set")
	a.expect(ctx, "PUT /me/pin", `{"pin":"12345"}`, "422 invalid_pin")

	a.say("Every answer is lost on its way: nobody can say what became of it, until the app sends it again.")
	a.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Operation: usersecurity.OpSCADeletePin})
	a.expect(ctx, "DELETE /me/pin", "", "504 outcome_unknown")
	a.wise.ClearFaults()
	a.expect(ctx, "DELETE /me/pin", "", "404 pin_not_set")

	a.say("The first answer is lost: is it this PIN that is set, or an older one?")
	a.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.ResetAfter, Operation: usersecurity.OpSCACreatePin, Times: 1})
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "409 pin_unconfirmed")
	a.expect(ctx, "DELETE /me/pin", "", "204")
	a.expect(ctx, "PUT /me/pin", `{"pin":"0417"}`, "204")

	a.say("Wise changes its key and ends all tokens, and both replicas are called at once: nobody notices.")
	a.wise.RotateKey()
	a.wise.ExpireTokens()
	before := a.refreshes.n.Load()
	var both sync.WaitGroup
	both.Go(func() { a.at(0).expect(ctx, "POST /me/devices", `{"fingerprint":"phone"}`, "201") })
	both.Go(func() { a.at(1).expect(ctx, "PUT /me/face-map", `{"faceMap":"AAEC"}`, "204") })
	both.Wait()
	a.check("refreshes of the customer's token", fmt.Sprint(a.refreshes.n.Load()-before), "1")

	a.say("The customer takes back, in Wise's settings, what was granted: the account is linked again.")
	a.wise.WithdrawTokens(demoUser)
	a.at(0).expect(ctx, "PUT /me/face-map", `{"faceMap":"AAEC"}`, "403 wise_link_required")
	a.at(1).expect(ctx, "PUT /me/face-map", `{"faceMap":"AAEC"}`, "403 wise_link_required")
	a.link(ctx, demoUser, "303 /settings?wise=linked")
	a.at(0).expect(ctx, "PUT /me/face-map", `{"faceMap":"AAEC"}`, "409 face_map_already_enrolled")
	a.at(1).expect(ctx, "DELETE /me/face-map", "", "204")

	a.say("There is room for three devices.")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"phone"}`, "409 device_already_registered")
	tablet := a.expect(ctx, "POST /me/devices", `{"fingerprint":"tablet"}`, "201")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"watch"}`, "201")
	a.expect(ctx, "POST /me/devices", `{"fingerprint":"fridge"}`, "409 device_limit_reached")
	a.expect(ctx, "DELETE /me/devices/"+tablet.ID, "", "204")
	a.expect(ctx, "GET /me/devices", "", "200")

	a.say("The number for one-time passwords is one that the partner has verified.")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"+6599999999"}`, "422 phone_number_unverified")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"`+demoPhone+`"}`, "200")
	a.expect(ctx, "PUT /me/phone", `{"phoneNumber":"`+demoOtherPhone+`"}`, "200")
	a.expect(ctx, "DELETE /me/phone", "", "204")
	a.expect(ctx, "GET /me/phone", "", "404 phone_not_set")

	a.say("Wise has enough of us: the app is told when to come back.")
	a.wise.Inject(usersecuritytest.Fault{Kind: usersecuritytest.TooManyRequests, Operation: usersecurity.OpSCADeletePin, RetryAfter: "60", Times: 1})
	a.expect(ctx, "DELETE /me/pin", "", "503 wise_busy")

	a.say("Without a session nothing is done.")
	a.session = rand.Text()
	a.expect(ctx, "DELETE /me/pin", "", "401 unauthenticated")
	return a.failures()
}
