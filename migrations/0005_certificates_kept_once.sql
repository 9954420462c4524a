-- The certificates themselves are kept apart from what is looked up at every connection: see shown_certificates.
alter table device_certificates drop column certificate;
