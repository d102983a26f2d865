// Package printers holds tests alone: what other libraries print, compare and
// encode is searched for the secrets of package usersecurity, and its examples
// show how these libraries match them. It is a module of its own, so that
// nothing it needs reaches a user of the library.
package printers
