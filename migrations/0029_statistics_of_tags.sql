-- A register has thousands of tags, most of them rare; with the usual hundred of them sampled a rare one is taken for a
-- common one, and is looked for through the whole register.
alter table devices alter column tags set statistics 1000;
