package usersecurity

// ProfileID identifies a profile of a user's.
type ProfileID int64

// ChallengeKind says what a customer is asked for. It is an open set.
type ChallengeKind string

// The kinds that are known.
const (
	ChallengePin               ChallengeKind = "PIN"
	ChallengeFaceMap           ChallengeKind = "FACE_MAP"
	ChallengeDeviceFingerprint ChallengeKind = "PARTNER_DEVICE_FINGERPRINT"
	ChallengeSMS               ChallengeKind = "SMS"
	ChallengeWhatsApp          ChallengeKind = "WHATSAPP"
	ChallengeVoice             ChallengeKind = "VOICE"
)

// Operations of the successors, of one-time tokens, and of users' tokens.
const (
	OpSCACreatePin               Operation = "SCA.CreatePin"
	OpSCAVerifyPin               Operation = "SCA.VerifyPin"
	OpSCADeletePin               Operation = "SCA.DeletePin"
	OpSCACreateDeviceFingerprint Operation = "SCA.CreateDeviceFingerprint"
	OpSCAVerifyDeviceFingerprint Operation = "SCA.VerifyDeviceFingerprint"
	OpSCADeleteDeviceFingerprint Operation = "SCA.DeleteDeviceFingerprint"
	OpSCAEnrolFaceMap            Operation = "SCA.EnrolFaceMap"
	OpSCAVerifyFaceMap           Operation = "SCA.VerifyFaceMap"
	OpSCADeleteFaceMap           Operation = "SCA.DeleteFaceMap"
	OpSCAStartSession            Operation = "SCA.StartSession"

	OpOneTimeTokenStatus                  Operation = "OneTimeTokens.Status"
	OpOneTimeTokenTrigger                 Operation = "OneTimeTokens.Trigger"
	OpOneTimeTokenVerifyOTP               Operation = "OneTimeTokens.VerifyOTP"
	OpOneTimeTokenVerifyPin               Operation = "OneTimeTokens.VerifyPin"
	OpOneTimeTokenVerifyDeviceFingerprint Operation = "OneTimeTokens.VerifyDeviceFingerprint"
	OpOneTimeTokenVerifyFaceMap           Operation = "OneTimeTokens.VerifyFaceMap"

	OpListProfiles     Operation = "ListProfiles"
	OpFaceTecPublicKey Operation = "FaceTecPublicKey"
	OpSignUp           Operation = "UserTokens.SignUp"
	OpFetchUser        Operation = "FetchUser"
)
