package usersecuritytest

import (
	"slices"

	"github.com/wise-partner/usersecurity"
)

func (u *users) listPhones(id usersecurity.UserID) (list []phone, o outcome) {
	o = u.visit(id, func(usr *user) outcome {
		list = slices.Clone(usr.phones)
		return done
	})
	return list, o
}

// addPhone gives a number to a user. A number has one owner.
func (u *users) addPhone(id usersecurity.UserID, number string) (made phone, o outcome) {
	o = u.visit(id, func(usr *user) outcome {
		if _, taken := u.phones[number]; taken {
			return exists
		}
		u.lastPhone++
		made = phone{id: u.lastPhone, number: number}
		u.phones[number] = made.id
		usr.phones = append(usr.phones, made)
		return done
	})
	return made, o
}

func (u *users) changePhone(id usersecurity.UserID, which usersecurity.PhoneNumberID, number string) (changed phone, o outcome) {
	o = u.visit(id, func(usr *user) outcome {
		i := usr.phone(which)
		if i < 0 {
			return missing
		}
		if owner, taken := u.phones[number]; taken && owner != which {
			return exists
		}
		p := &usr.phones[i]
		delete(u.phones, p.number)
		u.phones[number] = which
		p.number = number
		changed = *p
		return done
	})
	return changed, o
}

func (u *users) removePhone(id usersecurity.UserID, which usersecurity.PhoneNumberID) outcome {
	return u.visit(id, func(usr *user) outcome {
		i := usr.phone(which)
		if i < 0 {
			return missing
		}
		delete(u.phones, usr.phones[i].number)
		usr.phones = slices.Delete(usr.phones, i, i+1)
		return done
	})
}

func (u *user) phone(id usersecurity.PhoneNumberID) int {
	return slices.IndexFunc(u.phones, func(p phone) bool { return p.id == id })
}
