// Demo: sixty short messages to a support desk with their topics, made up for this. The same rows are in
// examples/support-messages.csv, for people to try; the binary has no files beside it. Plain data.

export const supportTopics = ["account", "billing", "bug", "idea"] as const;

/** CSV with the columns `id`, `message` and `topic`. */
export const supportMessages: string = `id,message,topic
1,The PDF export cuts off the last line of every page.,bug
2,A weekly summary by mail would help our team a lot.,idea
3,It would be great to have keyboard shortcuts for everything.,idea
4,I wish I could pin notes to the top of the list.,idea
5,The calendar is one day off for our team in Auckland.,bug
6,The invitation link for a new member has expired.,account
7,"I signed up with the wrong name, how do I change it?",account
8,Tables with formulas would save us a spreadsheet.,idea
9,I would love templates for meeting notes.,idea
10,Sync is broken: changes on my phone never reach the laptop.,bug
11,"I was charged twice for March, can I get one of them back?",billing
12,Please let us choose our own colours for labels.,idea
13,Sorting by date puts 2009 after 2019.,bug
14,Can I merge my two accounts into one?,account
15,I lost my phone and with it the login codes.,account
16,I cancelled in May and you charged me again in June.,billing
17,I wish there were folders inside folders.,idea
18,Since the update the app drains my battery in an hour.,bug
19,It would be nice to reply to comments by mail.,idea
20,Can we pay by bank transfer instead of card?,billing
21,Could you support right-to-left languages?,idea
22,How can I sign out of all devices at once?,account
23,Dark mode shows black text on a black background.,bug
24,Please delete my account and everything in it.,account
25,How do I change the e-mail address I log in with?,account
26,"Please refund the annual plan, we bought it by mistake.",billing
27,Who in our team has admin rights? I cannot see it.,account
28,Please change the owner of our workspace to me.,account
29,I get an error message with nothing but 'undefined' in it.,bug
30,Uploading a photo hangs at 99 percent forever.,bug
31,Have you thought about a version for tablets?,idea
32,"Could search look inside attachments, too?",idea
33,Our accountant needs receipts for the whole of last year.,billing
34,Is the trial free or will my card be charged afterwards?,billing
35,Someone logged in from a country I have never been to.,account
36,We need single sign-on with our own identity provider.,account
37,An integration with our calendar would be wonderful.,idea
38,Please send the invoice to finance@example.com from now on.,billing
39,Export to CSV gives an empty file since this morning.,bug
40,"A bigger font in presentation mode, please.",idea
41,The refund you promised has not arrived yet.,billing
42,Search returns an error 500 for any word with an umlaut.,bug
43,"Undo deletes the whole paragraph, not just the last word.",bug
44,"I cannot log in, it says my account is locked.",account
45,"My colleague left, can I take over her workspace?",account
46,"We were billed in dollars, but our contract says euros.",billing
47,My card was declined although it works everywhere else.,billing
48,"The page stays white on Safari, works on Firefox.",bug
49,How do I turn on two-factor authentication?,account
50,Please add a way to see who read a page.,idea
51,Where do I find the invoice for our last payment?,billing
52,Do you offer a discount for non-profits?,billing
53,The invoice shows the wrong VAT number.,billing
54,How much would ten more seats cost per month?,billing
55,I forgot my password and the reset mail never comes.,account
56,The save button does nothing when the title is empty.,bug
57,Please add an offline mode for long train rides.,idea
58,Why did the price go up without any notice?,billing
59,"Notifications arrive twice, sometimes three times.",bug
60,The app crashes as soon as I open the settings page.,bug
`;
