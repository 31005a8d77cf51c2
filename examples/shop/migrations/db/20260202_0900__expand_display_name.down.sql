alter table customers drop column display_name;
