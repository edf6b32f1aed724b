// Who is told: e-mail addresses and webhooks (Teams workflow, Logic App, ITSM), all in the common alert schema.

@description('Name of the action group.')
param actionGroupName string

@description('E-mail address that every alert goes to.')
@minLength(6)
@maxLength(254)
param alertEmail string

@description('Further e-mail addresses.')
param additionalEmails array

@description('Webhook addresses separated by commas; they often contain a key.')
@secure()
param webhookUris string

@description('Webhooks that are protected by Microsoft Entra ID: serviceUri, objectId, identifierUri, tenantId of each.')
param secureWebhooks array

@description('Tags of every resource.')
param tags object

var emails = concat([
  alertEmail
], additionalEmails)

var webhooks = [for (uri, i) in (empty(webhookUris) ? [] : split(webhookUris, ',')): {
  name: 'webhook-${i}'
  serviceUri: trim(uri)
  useCommonAlertSchema: true
}]
// The action group signs in to these as Azure Monitor's own application, which needs an app role there (docs/tickets.md).
var protectedWebhooks = [for (webhook, i) in secureWebhooks: {
  name: 'secure-webhook-${i}'
  serviceUri: webhook.serviceUri
  useCommonAlertSchema: true
  useAadAuth: true
  objectId: webhook.objectId
  identifierUri: webhook.identifierUri
  tenantId: webhook.tenantId
}]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'Compliance'
    emailReceivers: [for (email, i) in emails: {
      name: 'email-${i}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
    webhookReceivers: concat(webhooks, protectedWebhooks)
  }
}
