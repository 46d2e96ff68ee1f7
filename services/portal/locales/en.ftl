# The frame of the pages.
layout-skip = Skip to the text
layout-nav = Main
layout-other-language = 中文
layout-other-language-tag = zh-CN
layout-what = { $board }: write to any office of any place; answers are public and anyone can check them.
layout-about = About this site
layout-figures-until = Counted until
nav-home = Home
nav-new = Write
nav-mine = My message
nav-search = Search
nav-stats = Figures
nav-offices = Offices
nav-desk = Desk
nav-review = Review
nav-sign-in = Sign in
format-date = { $day } { $month } { $year }
format-month = { $month } { $year }
format-moment = { $date }, { $time }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

# When something goes wrong.
page-not-found = There is no such page, or it is not public.
method-not-allowed = This address does not take such requests: please use the links and buttons of the pages.
request-unreadable = The request could not be read: please go back and try again.
form-too-long = What you sent is too long: please go back, shorten it and try again.
form-refused = To keep you safe, this form was not accepted. Please go back, reload the page and send it again; your browser must accept cookies of this site.
too-many-forms = Too many forms have come from your network: please try again in a minute.
proof-missing = Please look the message up by its number and access code first.
request-refused = The request was not done: please check it and try again.
refused = The request was not done: please check it and try again.
fault-title-request = Something is wrong with the request
fault-title-sign-in = Please sign in
fault-title-denied = Not done
fault-title-not-found = Not found
fault-title-conflict = This can't be done now
fault-title-too-many = Please wait a little
fault-title-internal = Something broke on our side
fault-title-unavailable = Not available just now
fault-home = Home
fault-id = If you report this, please give the number:

# States and lists.
state-awaiting = Awaiting reply
state-progress = In progress
state-replied = Replied
card-reply = Reply
card-submitted = written { $date }
card-replied = answered { $date }
lists-away = The messages can't be read just now: please reload the page in a while.
figures-away = The figures can't be read just now; everything else works.
figure-received = Messages received
figure-replied = Answered
figure-reply-rate = Reply rate
figure-on-time-rate = Answered on time
figure-satisfaction = Satisfaction (of 5)
figure-median-days = Days to the first answer (median)
figure-coverage = { $part } rated

# Home.
home-title = Home
home-sentence = Something to say to those in charge of a ministry, a province, a city or a county? Write it down: it goes to the office that can act, the answer is public, and you rate it.
home-write = Leave a message
home-look-up = Find my message
home-figures = How it is going
home-all-figures = All figures
home-answered = Latest answers
home-newest = Newest messages
home-none-answered = There are no public answers yet.
home-none-newest = There are no public messages yet.
home-places = By place
home-all-offices = All offices

# About.
about-title = About this site
about-lead = { $board } brings each message to the office that can act. Answers are public, the way there can be followed, and the figures can be recomputed.
about-promises = What we promise
about-promise-kept = Received means kept: when you see a receipt, your message is stored and will not be lost.
about-promise-ground = A message that is not published gets a reason: you are told the ground and what to change.
about-promise-clock = One deadline, in working days from the day you write; it never starts anew, whichever office has the matter.
about-promise-public = Answers are public, and so is who has held the matter. A private message is seen by you and its office alone.
about-promise-accused = An office that a message complains about never sees that message, nor who wrote it.
about-promise-figures = Figures have definitions: each says how it is computed and until when it counts.
about-states = The three states
about-state-awaiting = No office has taken it up yet.
about-state-progress = An office has taken it up and works on it.
about-state-replied = The office has answered in public.
about-check = How to check
about-check-receipt = A receipt is signed. A command verifies that this board gave it and that nothing was changed:
about-check-figures = Figures come with their definitions and with tables to download:
about-check-feed = Programs can follow all public messages and answers, and recount the figures from them.
about-data = Your data
about-data-text = Name and phone are encrypted and used for this message alone. They appear on no public page, in no figure and in no log.
about-cookies = This site uses only the cookies that it needs: language, sign-in and safe forms. Nothing tracks you, and nothing is loaded from elsewhere.

# Offices.
offices-title = Offices
offices-lead = Choose a place, or write to a ministry.
offices-provinces = Provinces
offices-below = Places below
offices-ministries = Ministries
offices-here = Who you can write to
offices-received = { $count } received
offices-replied = { $count } answered
offices-rate = reply rate { $rate }
offices-write = Write
offices-write-to = Write to { $office }
offices-closed = Takes no messages at present
crumbs = Where you are

# One message.
message-text = The message
message-demand = What is asked for
message-details = What happened
message-number = Number
message-office = Office
message-kind = Kind and domain
message-place = Place
message-submitted = Submitted
message-deadline = Deadline
message-outcome = Outcome
message-answer = answers
message-answer-of = { $office } answers
message-no-answer = There is no answer yet.
message-custody = Who has held it
message-custody-picture = The time that each office held it, in proportion; the table below has the values
message-held-from = Since
message-held-for = For
message-history = What happened
message-yours = Is this your message?
message-yours-link = Follow, rate or withdraw it with your access code
deadline-met = answered in time
deadline-answered-late = { $days ->
    [one] answered 1 day late
   *[other] answered { $days } days late
 }
deadline-today = due today
deadline-left = { $days ->
    [one] 1 day left
   *[other] { $days } days left
 }
deadline-overdue = { $days ->
    [one] 1 day overdue
   *[other] { $days } days overdue
 }
duration-less = less than an hour
duration-hours = { $hours } h
duration-days = { $days } d
duration-days-hours = { $days } d { $hours } h
step-submitted = The message was submitted
step-assigned = It went to { $office }
step-transferred = It was handed to { $office }
step-accepted = The office took it up
step-replied = { $office } answered
step-closed = It was closed: { $outcome }
outcome-solved = solved
outcome-partly-solved = partly solved
outcome-explained = explained
outcome-refused = refused by law
outcome-impossible = it can't be done
outcome-duplicate = handled together with another message
outcome-withdrawn = withdrawn by its author
state-closed = Closed

# Searching and filtering.
search-title = Search
search-words = Words
search-go = Search
search-hint = Two characters or more, in public messages and answers; several words are separated by blanks.
search-too-short = Please give at least two characters.
search-too-long = Please give no more than 100 characters.
search-none = Nothing was found: try another word, or fewer filters.
search-found = { $count } found
search-found-many = More than { $count } found
filter-division = Place
filter-domain = Domain
filter-kind = Kind
filter-state = State
filter-any = Any
pager-next = Next

# Writing a message.
new-title = Leave a message
new-lead = One matter a message. You get a number and an access code, with which you can follow, rate and withdraw it; no account is needed.
form-kept = Everything you typed is still here: please send it again in a while.
new-office = To
new-office-hint = Choose a place, press "Choose", then choose the office.
new-directory-away = The directory can't be read just now; the office you chose stays. Press "Choose" in a while, or send the message.
new-ministries = Ministries
new-d1 = Province, or ministries
new-d2 = City
new-d3 = County
new-choose = Please choose
new-not-deeper = The level above
new-pick = Choose
new-nobody = No office here takes messages at present: please choose a place above or below.
new-kind = Kind
new-kind-hint = A complaint is written in two parts: what you ask for, and what happened.
new-matter = Domain
new-matter-hint = Leave it open if you are not sure.
new-whole-domain = (in general)
new-optional = (optional)
new-complaint-only = (for complaints)
new-title-field = Title
new-title-hint = What it is about in one sentence, { $min } to { $max } characters.
new-demand-hint = What should be done, at most { $max } characters.
new-details-hint = When, how, and whom you have asked already; at most { $max } characters.
new-body = Text
new-body-hint = When, where and how, { $min } to { $max } characters. Please keep other people's private matters out of it.
new-place-hint = A road or a neighbourhood, for instance; at most { $max } characters.
new-place-public = The place may be public
new-visibility = Who may read it
new-visibility-hint = It is public after a review. Name, phone and remark never are.
new-public = Public
new-public-hint = Everybody can read the message and the answer
new-private = Private
new-private-hint = Only I and the office can read it
new-remark = Remark
new-remark-hint = For the office alone, at most { $max } characters.
new-name = Name
new-name-hint = Kept encrypted, never public.
new-phone = Mobile number
new-phone-hint = 11 digits, so that the office can reach you. Kept encrypted, never public.
new-preview = Preview
new-submit = Send
new-sent-before = This form was sent before with another text. Press "Send" once more to leave a second message; to see the first one, use the number and code of its receipt.
preview-title = Preview
preview-public = This is a preview; nothing was sent yet. After the review, the public will see it like this.
preview-private = This is a preview; nothing was sent yet. The message is private: only you and the office will see it.
preview-hidden = Not public
preview-back = Change it

# The receipt.
receipt-title = Your message has been received
receipt-lead = It is stored. Please note the number and the access code, or print or download this receipt.
receipt-code = Access code
receipt-once = The access code is shown only this once. With number and code the message can be read, rated and withdrawn: keep them to yourself.
receipt-qr = Scan to open the look-up page (without the code)
receipt-follow = Follow it
receipt-download = Download the receipt
receipt-look-up = Look it up at
receipt-proof = Signed proof
receipt-proof-text = This board has signed the statement below. It proves that the message was received, when, and that its text was not changed.
receipt-hash = Hash of the content
receipt-statement = Statement
receipt-key = Key
receipt-signature = Signature
receipt-proof-away = The signed proof can't be read just now. Your message is stored: reload this page in a while.

# One's own messages.
mine-title = Find my message
mine-lead = Please give the number and the access code of your receipt.
mine-number-hint = Case, spaces and hyphens do not matter.
mine-code-hint = 10 letters or digits.
mine-go = Find it
mine-recent = Looked up a while ago
mine-own = Written while signed in
mine-none = There are none yet.
mine-in-review = In review
mine-approved = Approved
mine-returned = Sent back to you
mine-declined = Not published
mine-withdrawn = Withdrawn
mine-why-returned = Please change it and send it again
mine-why-declined = Why it is not published
mine-public-page = See the public page
mine-case-away = How it is going can't be read just now: please reload the page in a while.
mine-mend = Change the message
mine-resubmit = Send it again
mine-resubmitted = The changed message was received. It keeps its place in the queue.
mine-forget = Close it on this device
mine-forgotten = Closed. To see the message again, the access code is needed.
rate-title = Rate this answer
rate-hint = 1 is lowest, 5 is highest; you can change it for 14 days. Until then the office does not see single ratings.
rate-resolution = How far it was resolved
rate-attitude = How you were treated
rate-speed = How fast it went
rate-worst = very dissatisfied
rate-best = very satisfied
rate-send = Send the rating
rate-change = Change the rating
rate-until = It can be changed until
rate-final = The rating is final.
rate-incomplete = Please choose a mark for all three.
rate-done = Thank you, the rating was received.
withdraw-title = Withdraw this message
withdraw-text = A message can be withdrawn before its first answer. It is then no longer worked on, and can't be brought back.
withdraw-go = Withdraw it
withdraw-done = Your wish was received; what comes of it will be shown here.

# Figures.
stats-title = Figures
stats-filter = Filter
stats-everywhere = Everywhere
stats-from = From month
stats-to = To month
stats-show = Show
stats-by-month = By month
stats-month = Month
stats-bars = Messages received and answered in each month
stats-lines = Reply rate, by the month in which messages were written
stats-chart-summary = { $from } to { $to }; the table below has the values.
stats-download = Download (CSV)
stats-parts = Parts
stats-part = Name
stats-none = Not said
stats-by-division = Place
stats-by-office = Office
stats-by-domain = Domain
stats-by-kind = Kind
stats-sum-note = The parts may add up to less than the whole: messages that are private or not yet reviewed count in their province alone, those that accuse an office in the whole alone; ministries belong to no place; a message that was handed on counts for the office that has it now.
stats-ranking = Ranking
stats-indicator = Indicator
stats-who = Who
stats-min = At least so many cases
stats-rank = Place
stats-n = Cases
stats-interval = 95% interval
stats-left-out = Who has fewer than { $min } cases is not ranked; { $count } are left out for that.
stats-wilson = Intervals are Wilson's; where they overlap, the order says little.
stats-definitions = Definitions
stats-meaning = Meaning
stats-numerator = Numerator
stats-denominator = Denominator
stats-empty = There is nothing to count here yet.

# Verifying an address for notices.
verify-title = Confirm your address
verify-lead = Press the button to confirm that this address is yours. Nothing is sent to it before.
verify-code = Code
verify-code-hint = The code of the e-mail.
verify-go = Confirm
verify-done = Confirmed: notices will be sent to this address.

home-search = Search public messages and answers
new-after = What happens then
new-after-receipt = You get a receipt at once, with number and access code.
new-after-review = It is reviewed. If it has to be changed, or is not published, you are told why.
new-after-office = It goes to the office that can act. The deadline is in working days and never starts anew.
new-after-answer = The answer is public, and you rate it.
new-please = Please
new-please-one = One matter in one message: it is settled sooner.
new-please-private = No names, phone numbers, identity numbers or addresses of other people in the text.
new-please-fair = Facts; no insults, no advertising.
mine-check = Please check number and access code.
