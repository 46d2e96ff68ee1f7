-- A hotline is an agency that enters messages for citizens.
alter table agencies drop constraint agencies_scopes_known;
alter table agencies add constraint agencies_scopes_known check (
    cardinality(scopes) > 0
    and scopes <@ array['feed:read', 'message:submit', 'message:on_behalf', 'case:work', 'case:read',
                        'webhook:manage']
);
