// Package browsertest holds tests of wisesim's page in Chromium. They need the
// program chromium, and axe-core in node_modules:
//
//	npm ci && go test .
//
// What they look at is kept in screenshots/.
package browsertest
