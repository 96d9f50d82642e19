package payouts

import (
	"context"
	"regexp"
	"strings"

	"vitrine/app/payments"
	"vitrine/views/text"
)

// asks are what Stripe's requirements mean, by the longest ending of the code that is known. Who it is about stands
// before: individual, company, representative, owners, directors, executives, a person's number.
var asks = map[string]string{
	"external_account":                                     "A bank account to pay out to",
	"bank_account":                                         "A bank account to pay out to",
	"tos_acceptance":                                       "Your agreement to Stripe's terms",
	"tos_acceptance.date":                                  "Your agreement to Stripe's terms",
	"tos_acceptance.ip":                                    "Your agreement to Stripe's terms",
	"tos_acceptance.user_agent":                            "Your agreement to Stripe's terms",
	"business_type":                                        "Whether you sell as a person or as a company",
	"business_profile":                                     "What you sell",
	"business_profile.url":                                 "The address of your shop's page",
	"business_profile.mcc":                                 "The kind of things that you sell",
	"business_profile.product_description":                 "A description of what you sell",
	"business_profile.name":                                "The name of your business",
	"business_profile.support_phone":                       "A phone number for your customers",
	"business_profile.support_email":                       "An e-mail address for your customers",
	"business_profile.support_url":                         "A page for your customers' questions",
	"business_profile.annual_revenue":                      "What you sell in a year",
	"business_profile.estimated_worker_count":              "How many people work with you",
	"business_profile.minority_owned_business_designation": "Who owns the business",
	"first_name":                                           "First name",
	"last_name":                                            "Last name",
	"first_name_kana":                                      "First name in kana",
	"last_name_kana":                                       "Last name in kana",
	"first_name_kanji":                                     "First name in kanji",
	"last_name_kanji":                                      "Last name in kanji",
	"maiden_name":                                          "Name before marriage",
	"full_name_aliases":                                    "Other names that were used",
	"name":                                                 "The company's name",
	"name_kana":                                            "The company's name in kana",
	"name_kanji":                                           "The company's name in kanji",
	"email":                                                "E-mail address",
	"phone":                                                "Phone number",
	"gender":                                               "Gender",
	"nationality":                                          "Nationality",
	"political_exposure":                                   "Whether you hold a public office",
	"dob":                                                  "Date of birth",
	"dob.day":                                              "Date of birth",
	"dob.month":                                            "Date of birth",
	"dob.year":                                             "Date of birth",
	"ssn_last_4":                                           "The last four digits of your Social Security number",
	"ssn_last_4_provided":                                  "The last four digits of your Social Security number",
	"id_number":                                            "The number of your identity card, or your tax number",
	"id_number_secondary":                                  "Your second identity number",
	"tax_id":                                               "The company's tax number",
	"tax_id_registrar":                                     "Where the company is registered",
	"vat_id":                                               "The company's VAT number",
	"registration_number":                                  "The company's registration number",
	"export_license_id":                                    "The number of your export licence",
	"export_purpose_code":                                  "What you export",
	"structure":                                            "The legal form of the company",
	"ownership_declaration":                                "A statement of who owns the company",
	"ownership_exemption_reason":                           "Why no owner has to be named",
	"owners_provided":                                      "Everyone who owns a quarter of the company or more",
	"directors_provided":                                   "The company's directors",
	"executives_provided":                                  "The people who run the company",
	"owners":                                               "Everyone who owns a quarter of the company or more",
	"directors":                                            "The company's directors",
	"executives":                                           "The people who run the company",
	"representative":                                       "The person who acts for the company",
	"authorizer":                                           "The person who acts for the company",
	"legal_guardian":                                       "A parent or guardian",
	"address":                                              "Home or business address",
	"address_kana":                                         "Address in kana",
	"address_kanji":                                        "Address in kanji",
	"registered_address":                                   "Registered address",
	"line1":                                                "Street and number",
	"line2":                                                "Address, second line",
	"city":                                                 "Town",
	"state":                                                "State or region",
	"postal_code":                                          "Postcode",
	"country":                                              "Country",
	"town":                                                 "Part of the town",
	"relationship":                                         "What a person is in the company",
	"relationship.title":                                   "A person's title in the company",
	"relationship.owner":                                   "Whether a person owns a part of the company",
	"relationship.director":                                "Whether a person is a director",
	"relationship.executive":                               "Whether a person runs the company",
	"relationship.representative":                          "Who acts for the company",
	"relationship.percent_ownership":                       "How much of the company a person owns",
	"verification":                                         "A proof of identity",
	"verification.document":                                "A photo of your passport, identity card or driving licence",
	"verification.document.front":                          "A photo of the front of your identity card",
	"verification.document.back":                           "A photo of the back of your identity card",
	"verification.additional_document":                     "A second document that shows your name and address",
	"verification.additional_document.front":               "A second document that shows your name and address",
	"verification.additional_document.back":                "The back of the second document",
	"verification.proof_of_liveness":                       "A photo of yourself, taken now",
	"company.verification.document":                        "A document that shows that the company exists",
	"documents":                                            "A document",
	"documents.bank_account_ownership_verification.files":    "A document that shows that the bank account is yours",
	"documents.company_license.files":                        "The company's licence",
	"documents.company_memorandum_of_association.files":      "The company's memorandum of association",
	"documents.company_ministerial_decree.files":             "The decree that founded the company",
	"documents.company_registration_verification.files":      "The company's entry in the register",
	"documents.company_tax_id_verification.files":            "A document that shows the company's tax number",
	"documents.company_authorization.files":                  "A letter that lets you act for the company",
	"documents.passport.files":                               "A photo of your passport",
	"documents.visa.files":                                   "A photo of your visa",
	"documents.proof_of_registration.files":                  "The company's entry in the register",
	"documents.proof_of_address.files":                       "A document that shows your address",
	"documents.proof_of_ultimate_beneficial_ownership.files": "A document that shows who owns the company",
	"settings.payments.statement_descriptor":                 "The name that stands on your customers' bank statements",
	"settings.payouts.statement_descriptor":                  "The name that stands on your bank statement",
	"form":                                                   "A form with questions about your business",
	"review":                                                 "A look at your account by Stripe",
	"supportability":                                         "Answers about what you sell",
	"rejection_appeal":                                       "Your answer to Stripe's decision",
	"identity_verification":                                  "A proof of identity",
	"restricted_business":                                    "Answers about what you sell",
	"inactivity":                                             "A sign that you still use the account",
	"other_compliance_inquiry":                               "Answers to Stripe's questions",
	"other_business_inquiry":                                 "Answers to Stripe's questions",
	"capability":                                             "Answers to Stripe's questions",
}

// about says whom a requirement is about, where that is not the creator.
var about = []struct{ prefix, word string }{
	{"company.", "company"}, {"representative.", "representative"}, {"owners.", "owner"}, {"directors.", "director"}, {"executives.", "executive"},
	{"authorizer.", "representative"}, {"legal_guardian.", "guardian"}, {"person_", "person"}, {"person.", "person"},
}

var words = map[string]string{
	"company": "%s of the company", "representative": "%s of the person who acts for the company", "owner": "%s of an owner", "director": "%s of a director",
	"executive": "%s of a manager", "guardian": "%s of a parent or guardian", "person": "%s of a person in the company",
}

// Ask is one of Stripe's requirements in words. A code that we do not know is made readable.
func Ask(ctx context.Context, r payments.Requirement) string {
	what, whole := ask(r.Code)
	out := text.T(ctx, what)
	if !whole {
		for _, a := range about {
			if strings.HasPrefix(r.Code, a.prefix) && !(a.word == "company" && strings.Contains(what, "company")) {
				return text.T(ctx, words[a.word], out)
			}
		}
	}
	return out
}

// Asks are a method's requirements in words, each once, those whose time is over first.
func Asks(ctx context.Context, due []payments.Requirement) []string {
	var past, open []string
	seen := map[string]bool{}
	for _, r := range due {
		w := Ask(ctx, r)
		if r.Pending || seen[w] {
			continue
		}
		seen[w] = true
		if r.Past {
			past = append(past, w)
		} else {
			open = append(open, w)
		}
	}
	return append(past, open...)
}

// ask finds the longest known ending of a code; whole says that it is all of it.
func ask(code string) (words string, whole bool) {
	parts := strings.Split(code, ".")
	for i := range parts {
		tail := strings.Join(parts[i:], ".")
		if w, ok := asks[tail]; ok {
			return w, i == 0
		}
	}
	for n := len(parts) - 1; n > 0; n-- { // something new below something known
		if w, ok := asks[strings.Join(parts[:n], ".")]; ok {
			return w, true
		}
	}
	for n := len(parts) - 1; n > 1; n-- {
		if w, ok := asks[strings.Join(parts[1:n], ".")]; ok {
			return w, false
		}
	}
	last := parts[len(parts)-1]
	if last == "" || number.MatchString(last) {
		return "Something that Stripe explains on its page", true
	}
	return readable(last), false
}

var number = regexp.MustCompile(`^(person|interv|acct|ba)_?[A-Za-z0-9]*$`)

// readable makes words of a code: "proof_of_funds" is "Proof of funds".
func readable(code string) string {
	s := strings.ReplaceAll(code, "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// checking reports whether all that is open lies with the provider.
func checking(due []payments.Requirement) bool {
	for _, r := range due {
		if !r.Pending {
			return false
		}
	}
	return len(due) > 0
}
