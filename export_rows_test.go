package usersecurity

// RowOf is what the row of an operation says, for the tests that hold documents
// against it.
type RowOf struct {
	Operation        Operation
	Method, OrMethod string
	Legacy, Calendar string
	Instead          string
	Token            string
	Grant, Sealed    bool
	Answers          []error
}

// Rows are all rows, in their order.
func Rows() (all []RowOf) {
	tokens := map[tokenKind]string{userToken: "user", applicationToken: "application", ownAuthorization: "its own"}
	for _, r := range rows {
		row := RowOf{
			Operation: r.name, Method: r.method, OrMethod: r.orMethod, Legacy: r.legacy, Calendar: r.calendar,
			Instead: r.instead, Token: tokens[r.token], Grant: r.grant, Sealed: r.sealed,
		}
		for _, a := range r.answers {
			row.Answers = append(row.Answers, a.sentinel)
		}
		all = append(all, row)
	}
	return all
}
