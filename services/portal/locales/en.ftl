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
figure-median-days = Median working days to an answer
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
