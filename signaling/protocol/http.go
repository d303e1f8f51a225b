package protocol

// A few things happen over HTTP because they set or need a cookie. Bodies are JSON; a
// refusal has the status that fits and a Refusal as its body. Every POST and DELETE must
// carry an Origin (or Sec-Fetch-Site) of this server.
//
//	GET    /api/session    SessionInfo, signed in or not
//	POST   /api/session    SignIn         -> SessionInfo and the cookie
//	DELETE /api/session                   sign out here
//	DELETE /api/sessions                  sign out everywhere
//	POST   /api/password   PasswordChange -> SessionInfo
//	POST   /api/enrol      Enrol          -> SessionInfo and the cookie
//	GET    /api/signaling                 the websocket

// SignIn asks for a session.
type SignIn struct {
	Login    string `json:"login"`
	Password string `json:"password"`
}

// SessionInfo is what the page needs before it opens the websocket. You is nil for a
// visitor. Demo and Accounts are set only by a demonstration server.
type SessionInfo struct {
	You            *Person       `json:"you,omitempty"`
	ChangePassword bool          `json:"change_password,omitempty"` // before anything else
	Demo           bool          `json:"demo,omitempty"`
	Accounts       []DemoAccount `json:"accounts,omitempty"`
}

// DemoAccount is printed on the sign-in page of a demonstration.
type DemoAccount struct {
	Login    string       `json:"login"`
	Password string       `json:"password"`
	Name     Multilingual `json:"name"`
	Title    Multilingual `json:"title"`
	Unit     Multilingual `json:"unit"`
	Role     Role         `json:"role"`
}

// PasswordChange sets a new password and ends the person's other sign-ins.
type PasswordChange struct {
	Old string `json:"old"`
	New string `json:"new"`
}

// Enrol makes the first administrator; Token is from the one-time link.
type Enrol struct {
	Token    string       `json:"token"`
	Login    string       `json:"login"`
	Name     Multilingual `json:"name"`
	Password string       `json:"password"`
}
