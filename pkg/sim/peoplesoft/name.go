package peoplesoft

// The people are invented: every given name may meet every family name. The second text is the ASCII
// spelling for mail addresses.

func givenNames() [][2]string {
	return [][2]string{
		{"Dana", "dana"}, {"Zoë", "zoe"}, {"Søren", "soren"}, {"Łukasz", "lukasz"}, {"Ngọc", "ngoc"}, {"Amara", "amara"},
		{"José", "jose"}, {"Þóra", "thora"}, {"Mairéad", "mairead"}, {"Kwame", "kwame"}, {"Yuki", "yuki"}, {"Priya", "priya"},
		{"Anneliese", "anneliese"}, {"Björn", "bjorn"}, {"Chloé", "chloe"}, {"D'Arcy", "darcy"}, {"Elif", "elif"}, {"Farid", "farid"},
		{"Giulia", "giulia"}, {"Håkon", "hakon"}, {"Imani", "imani"}, {"Jürgen", "jurgen"}, {"Katarzyna", "katarzyna"}, {"Leilani", "leilani"},
		{"Marek", "marek"}, {"Noor", "noor"}, {"Oluwaseun", "oluwaseun"}, {"Petra", "petra"}, {"Quinn", "quinn"}, {"Renée", "renee"},
		{"Şebnem", "sebnem"}, {"Tomáš", "tomas"}, {"Uma", "uma"}, {"Văn", "van"}, {"Wren", "wren"}, {"Xiomara", "xiomara"}, {"李明", "liming"},
	}
}

func familyNames() [][2]string {
	return [][2]string{
		{"O'Malvey", "omalvey"}, {"Brindlewick", "brindlewick"}, {"Nuñovar", "nunovar"}, {"van der Holt", "vanderholt"}, {"Ostergård", "ostergard"},
		{"Kowalińska", "kowalinska"}, {"Tranthuy", "tranthuy"}, {"Adeyombo", "adeyombo"}, {"MacLeary", "macleary"}, {"Fiorentelli", "fiorentelli"},
		{"Hallgrímur", "hallgrimur"}, {"Ünalmış", "unalmis"}, {"D'Amberto", "damberto"}, {"Saint-Clavier", "saintclavier"}, {"Petrovnik", "petrovnik"},
		{"Wójtowicki", "wojtowicki"}, {"Grünfelder", "grunfelder"}, {"Ishizawara", "ishizawara"}, {"Ramanathi", "ramanathi"}, {"Castelobranco", "castelobranco"},
		{"Lindqvister", "lindqvister"}, {"Okonjovi", "okonjovi"}, {"Delacourte", "delacourte"}, {"Žižkovar", "zizkovar"}, {"Papadrosos", "papadrosos"},
		{"Al-Harizi", "alharizi"}, {"Thistlemoor", "thistlemoor"}, {"Quenneville-Roy", "quennevilleroy"}, {"Bårdsen", "bardsen"}, {"王", "wang"},
	}
}

func departmentNames() []string {
	return []string{
		"Accounts Payable", "Benefits & Leave", "Customer Care", "Data Services", "Engineering", "Facilities", "Field Operations",
		"General Counsel", "Human Resources", "Information Technology", "Logistics", "Marketing", "Procurement", "Quality", "Research & Development",
		"", // known by its code only: the reader must fall back to DEPTID (peoplesoft.md 2.7)
	}
}

func jobTitles() []string {
	return []string{
		"Accountant", "Analyst", "Architect", "Buyer", "Clerk", "Consultant", "Coordinator", "Counsel", "Designer", "Developer", "Director",
		"Dispatcher", "Engineer", "Inspector", "Instructor", "Librarian", "Manager", "Planner", "Recruiter", "Scientist", "Specialist",
		"Supervisor", "Technician", "Writer",
	}
}

func vendorWords() [2][]string {
	return [2][]string{
		{"Harborline", "Copperfield", "Nordstjärna", "Bluewater", "Ironwood", "Müllerhof", "Redcliff", "Sagebrush", "Tamarind", "Ångström",
			"Whitfield & Sons", "L'Étoile", "Quarry Lane", "Juniper", "Foxglove", "Kestrel", "Lakeshore", "Meridian", "Owl Creek", "Pepperbox"},
		{"Hose & Fittings", "Paper Supply", "Laboratories", "Janitorial", "Freight", "Catering", "Office Furniture", "Electrical",
			"Werkzeuge GmbH", "Consulting LLC", "Uniforms", "Print <Works>", "Software", "Landscaping", "Security"},
	}
}

func cities() [][2]string {
	return [][2]string{
		{"Omaha", "USA"}, {"Duluth", "USA"}, {"Montréal", "CAN"}, {"Malmö", "SWE"}, {"Köln", "DEU"}, {"Cork", "IRL"}, {"Łódź", "POL"}, {"San José", "CRI"},
	}
}
